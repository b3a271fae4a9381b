// Vectors of which the first n lanes count, 1 <= n <= kWidth. Where n is the constant kWidth nothing is masked: a loop
// hands that over, and only its last step another n. For *_cpu.cpp files only.
//
// Masked loads and stores cost several times the plain ones. So a walk along rows in memory masks the end of a row
// only where it must: its steps have n lanes that count and `reach` >= n lanes that they load and store. What they
// store past n, later steps of the same walk overwrite; what they load past n must not show.
#pragma once
#include "ops/simd.h"

namespace kantor::KANTOR_ISA {

inline IVec lane_numbers() {
  IVec lane;
  for (int i = 0; i < kWidth; ++i) lane[i] = i;
  return lane;
}
// The other lanes are `rest`.
[[gnu::always_inline]] inline Vec first_lanes(Vec v, int64_t n, Vec rest = Vec{}) {
  return n == kWidth ? v : lane_numbers() < static_cast<int32_t>(n) ? v : rest;
}
[[gnu::always_inline]] inline Vec load_first(const float* p, int64_t n) {
  return n == kWidth ? load(p) : load_partial(p, n);
}
[[gnu::always_inline]] inline void store_first(float* p, Vec v, int64_t n) {
  if (n == kWidth) store(p, v);
  else store_partial(p, v, n);
}

}  // namespace kantor::KANTOR_ISA
