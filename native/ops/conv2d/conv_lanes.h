// Planes to lanes and back: from kWidth channels, each a run of pixels, to pixels, each a vector of its channels.
#pragma once
#include <algorithm>

#include "ops/simd.h"

namespace kantor::KANTOR_ISA {
namespace {

// Within each 4 lanes: a0 b0 a1 b1; a2 b2 a3 b3; a0 a1 b0 b1; a2 a3 b2 b3.
[[gnu::always_inline]] inline Vec mix_low(Vec a, Vec b) {
  IVec lanes;
  for (int i = 0; i < kWidth; ++i) lanes[i] = i / 4 * 4 + i % 4 / 2 + i % 2 * kWidth;
  return __builtin_shuffle(a, b, lanes);
}
[[gnu::always_inline]] inline Vec mix_high(Vec a, Vec b) {
  IVec lanes;
  for (int i = 0; i < kWidth; ++i) lanes[i] = i / 4 * 4 + 2 + i % 4 / 2 + i % 2 * kWidth;
  return __builtin_shuffle(a, b, lanes);
}
[[gnu::always_inline]] inline Vec pair_low(Vec a, Vec b) {
  IVec lanes;
  for (int i = 0; i < kWidth; ++i) lanes[i] = i / 4 * 4 + i % 2 + i % 4 / 2 * kWidth;
  return __builtin_shuffle(a, b, lanes);
}
[[gnu::always_inline]] inline Vec pair_high(Vec a, Vec b) {
  IVec lanes;
  for (int i = 0; i < kWidth; ++i) lanes[i] = i / 4 * 4 + 2 + i % 2 + i % 4 / 2 * kWidth;
  return __builtin_shuffle(a, b, lanes);
}
// The even quarters (4 lanes each) of the run (a, b); the odd ones.
[[gnu::always_inline]] inline Vec even_fours(Vec a, Vec b) {
  IVec lanes;
  for (int i = 0; i < kWidth; ++i) lanes[i] = i / 4 * 8 + i % 4;
  return __builtin_shuffle(a, b, lanes);
}
[[gnu::always_inline]] inline Vec odd_fours(Vec a, Vec b) {
  IVec lanes;
  for (int i = 0; i < kWidth; ++i) lanes[i] = i / 4 * 8 + 4 + i % 4;
  return __builtin_shuffle(a, b, lanes);
}

// v[i][j] becomes v[j][i].
[[gnu::always_inline]] inline void transpose(Vec (&v)[kWidth]) {
#pragma GCC unroll 4
  for (int g = 0; g < kWidth; g += 4) {
    Vec a = mix_low(v[g], v[g + 1]), b = mix_high(v[g], v[g + 1]);
    Vec c = mix_low(v[g + 2], v[g + 3]), d = mix_high(v[g + 2], v[g + 3]);
    v[g] = pair_low(a, c);
    v[g + 1] = pair_high(a, c);
    v[g + 2] = pair_low(b, d);
    v[g + 3] = pair_high(b, d);
  }
  // Now v[4g + q] holds, in its k-th four lanes, rows 4g .. 4g + 3 of column 4k + q: a transposition of fours is left.
  if constexpr (kWidth == 8) {
#pragma GCC unroll 4
    for (int q = 0; q < 4; ++q) {
      Vec a = v[q], b = v[q + 4];
      v[q] = even_fours(a, b);
      v[q + 4] = odd_fours(a, b);
    }
  } else if constexpr (kWidth == 16) {
#pragma GCC unroll 4
    for (int q = 0; q < 4; ++q) {
      Vec a = even_fours(v[q], v[q + 4]), b = odd_fours(v[q], v[q + 4]);
      Vec c = even_fours(v[q + 8], v[q + 12]), d = odd_fours(v[q + 8], v[q + 12]);
      v[q] = even_fours(a, c);
      v[q + 8] = odd_fours(a, c);
      v[q + 4] = even_fours(b, d);
      v[q + 12] = odd_fours(b, d);
    }
  }
}

// to[j * kWidth + c] = map(from[c][j]), for j < count; from channel `channels` on map is given 0.
template <class Map>
inline void to_lanes(const float* const (&from)[kWidth], int channels, int64_t count, float* to, Map map) {
  for (int64_t j = 0; j < count; j += kWidth) {
    const int64_t n = std::min<int64_t>(count - j, kWidth);
    Vec v[kWidth];
    if (n == kWidth && channels == kWidth) {
#pragma GCC unroll 16
      for (int c = 0; c < kWidth; ++c) v[c] = load(from[c] + j);
    } else {
      for (int c = 0; c < kWidth; ++c) v[c] = c < channels ? load_partial(from[c] + j, n) : Vec{};
    }
    transpose(v);
    if (n == kWidth) {
#pragma GCC unroll 16
      for (int i = 0; i < kWidth; ++i) store(to + (j + i) * kWidth, map(v[i]));
    } else {
      for (int64_t i = 0; i < n; ++i) store(to + (j + i) * kWidth, map(v[i]));
    }
  }
}

// to[c * stride + j] = from[j * kWidth + c], for c < channels, j < count.
inline void from_lanes(const float* from, int channels, int64_t count, float* to, int64_t stride) {
  for (int64_t k = 0; k < count; k += kWidth) {
    // The last vector begins earlier rather than being cut short, if there is one before it.
    const int64_t j = count < kWidth ? 0 : std::min(k, count - kWidth), n = std::min<int64_t>(count, kWidth);
    Vec v[kWidth];
    if (n == kWidth) {
#pragma GCC unroll 16
      for (int i = 0; i < kWidth; ++i) v[i] = load(from + (j + i) * kWidth);
    } else {
      for (int i = 0; i < kWidth; ++i) v[i] = i < n ? load(from + (j + i) * kWidth) : Vec{};
    }
    transpose(v);
    if (n == kWidth && channels == kWidth) {
#pragma GCC unroll 16
      for (int c = 0; c < kWidth; ++c) store(to + c * stride + j, v[c]);
    } else {
      for (int c = 0; c < channels; ++c) store_partial(to + c * stride + j, v[c], n);
    }
  }
}

}  // namespace
}  // namespace kantor::KANTOR_ISA
