// Windows of 2 x 2, stride 2: the elements of a vector of windows, as four vectors. For *_cpu.cpp files only; f32.
#pragma once
#include <algorithm>

#include "ops/max_pool/planes.h"
#include "ops/tails.h"

namespace kantor::KANTOR_ISA {

constexpr int64_t kPoolTask = 16384;  // elements of the large planes

// Whether P x Q may come from H x W by windows of 2 x 2, stride 2.
inline bool halves(const PoolPlanes& s) { return s.p == s.h / 2 && s.q == s.w / 2; }

// Calls body(plane) for each plane, in tasks of about kPoolTask elements.
template <class Body>
void plan_planes(const PoolPlanes& s, Plan& plan, Body body) {
  const int64_t group = std::max<int64_t>(1, kPoolTask / (s.h * s.w));
  plan.phase(static_cast<int>((s.count + group - 1) / group), [=](int task, std::byte*) {
    const int64_t end = std::min(s.count, (task + 1) * group);
    for (int64_t plane = task * group; plane < end; ++plane) body(plane);
  });
}

// Lane i: the elements 2i and 2i + 1.
struct Pairs {
  Vec even, odd;
};
[[gnu::always_inline]] inline Pairs split(Vec low, Vec high) {
#if defined(__AVX512F__)
  return {__builtin_shufflevector(low, high, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30),
          __builtin_shufflevector(low, high, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31)};
#elif defined(__AVX2__)
  return {__builtin_shufflevector(low, high, 0, 2, 4, 6, 8, 10, 12, 14),
          __builtin_shufflevector(low, high, 1, 3, 5, 7, 9, 11, 13, 15)};
#else
  return {__builtin_shufflevector(low, high, 0, 2, 4, 6), __builtin_shufflevector(low, high, 1, 3, 5, 7)};
#endif
}
[[gnu::always_inline]] inline Pairs load_pairs(const float* p, int64_t n) {
  if (n == kWidth) return split(load(p), load(p + kWidth));
  const int64_t low = std::min<int64_t>(2 * n, kWidth);
  return split(load_partial(p, low), load_partial(p + low, 2 * n - low));
}
[[gnu::always_inline]] inline void store_pairs(float* p, Pairs v, int64_t n) {
#if defined(__AVX512F__)
  const Vec low = __builtin_shufflevector(v.even, v.odd, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const Vec high = __builtin_shufflevector(v.even, v.odd, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
#elif defined(__AVX2__)
  const Vec low = __builtin_shufflevector(v.even, v.odd, 0, 8, 1, 9, 2, 10, 3, 11);
  const Vec high = __builtin_shufflevector(v.even, v.odd, 4, 12, 5, 13, 6, 14, 7, 15);
#else
  const Vec low = __builtin_shufflevector(v.even, v.odd, 0, 4, 1, 5);
  const Vec high = __builtin_shufflevector(v.even, v.odd, 2, 6, 3, 7);
#endif
  if (n == kWidth) {
    store(p, low);
    store(p + kWidth, high);
    return;
  }
  const int64_t n_low = std::min<int64_t>(2 * n, kWidth);
  store_partial(p, low, n_low);
  store_partial(p + n_low, high, 2 * n - n_low);
}
[[gnu::always_inline]] inline IVec load_index(const int32_t* p, int64_t n) {
  return reinterpret_cast<IVec>(load_first(reinterpret_cast<const float*>(p), n));
}
[[gnu::always_inline]] inline bool any(IVec mask) {
#if defined(__AVX512F__)
  const __m512i bits = reinterpret_cast<__m512i>(mask);
  return _mm512_test_epi32_mask(bits, bits) != 0;
#elif defined(__AVX2__)
  const __m256i bits = reinterpret_cast<__m256i>(mask);
  return _mm256_testz_si256(bits, bits) == 0;
#else
  int32_t all = 0;
  for (int i = 0; i < kWidth; ++i) all |= mask[i];
  return all != 0;
#endif
}

// Where in its window each of n indices points (`reach` are loaded); `corner` is the element where the first window
// begins, in a plane of width w.
struct Places {
  IVec lower, odd;  // row and column, as masks
  IVec stray;       // not 0 where the index lies outside its window
};
[[gnu::always_inline]] inline Places find_places(const int32_t* index, int32_t w, int32_t corner, int64_t n,
                                                  int64_t reach) {
  const IVec offset = load_index(index, reach) - (2 * lane_numbers() + corner);
  const IVec lower = offset >= w, column = lower ? offset - w : offset;
  const IVec stray = column & ~1;
  return {lower, column == 1, n == kWidth ? stray : stray & (lane_numbers() < static_cast<int32_t>(n))};
}

// Calls body(window, corner, n, reach) for the windows of a plane, row by row in vectors (n and reach: ops/tails.h);
// `window` is the number of the first one, `corner` the element where it begins. A row's end comes first: what it
// stores too much in the upper of its two rows of elements lies in the lower one.
template <class Body>
[[gnu::always_inline]] inline void for_windows(const PoolPlanes& s, Body body) {
  for (int64_t p = 0; p < s.p; ++p) {
    const int64_t window = p * s.q, corner = 2 * p * s.w;
    const int64_t whole = s.q / kWidth * kWidth, rest = s.q - whole;
    const int64_t windows_left = s.p * s.q - window - whole, elements_left = (s.h - 2 * p - 1) * s.w - 2 * whole;
    if (rest > 0 && windows_left >= kWidth && elements_left >= 2 * kWidth)
      body(window + whole, corner + 2 * whole, rest, kWidth);
    else if (rest > 0)
      body(window + whole, corner + 2 * whole, rest, rest);
    for (int64_t q = 0; q < whole; q += kWidth) body(window + q, corner + 2 * q, kWidth, kWidth);
  }
}

}  // namespace kantor::KANTOR_ISA
