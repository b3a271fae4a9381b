// Sums in an order that the count alone fixes, equal in every build: float in 64 lanes over blocks of 2048 elements (32
// additions a lane, then a tree), double across blocks. Compiled per instruction set, yet the order never follows the
// register width.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>

namespace kantor::KANTOR_ISA {

typedef float Lanes __attribute__((vector_size(64)));
constexpr int kLanes = 16;

// n <= 16 floats, zeros after them.
[[gnu::always_inline]] inline Lanes load_lanes(const float* p, int64_t n) {
  Lanes v = {};
  if (n == kLanes)
    memcpy(&v, p, sizeof v);
  else
    memcpy(&v, p, static_cast<size_t>(n) * sizeof(float));
  return v;
}

// Lane 0 + lane 1 + ..., as a tree of halves.
inline float fold(Lanes v) {
  for (int width = kLanes / 2; width > 0; width /= 2)
    for (int i = 0; i < width; ++i) v[i] += v[i + width];
  return v[0];
}

// The sum of count terms; term(i, n) gives the n <= 16 terms from i on in its first lanes.
template <class Term>
inline double sum_terms(int64_t count, Term term) {
  constexpr int64_t kBlock = 2048;
  double total = 0;
  for (int64_t begin = 0; begin < count; begin += kBlock) {
    int64_t end = begin + kBlock < count ? begin + kBlock : count, i = begin;
    Lanes a = {}, b = {}, c = {}, d = {};
    for (; i + 4 * kLanes <= end; i += 4 * kLanes) {
      a += term(i, kLanes);
      b += term(i + kLanes, kLanes);
      c += term(i + 2 * kLanes, kLanes);
      d += term(i + 3 * kLanes, kLanes);
    }
    for (; i + kLanes <= end; i += kLanes) a += term(i, kLanes);
    if (i < end) {
      Lanes tail = term(i, end - i);
      for (int64_t k = end - i; k < kLanes; ++k) tail[k] = 0;
      b += tail;
    }
    total += static_cast<double>(fold((a + b) + (c + d)));
  }
  return total;
}

// Not finite only if an element is not: where the float squares overflow, the sum is taken again in double.
inline double sum_of_squares(const float* p, int64_t count) {
  double sum = sum_terms(count, [p](int64_t i, int64_t n) __attribute__((always_inline)) {
    Lanes v = load_lanes(p + i, n);
    return v * v;
  });
  if (std::isfinite(sum)) return sum;
  sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += static_cast<double>(p[i]) * static_cast<double>(p[i]);
  return sum;
}

}  // namespace kantor::KANTOR_ISA
