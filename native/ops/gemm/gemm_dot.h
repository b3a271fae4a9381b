// A product with one row whose other factor lies along k: one dot product an element, with vectors along k.
#pragma once
#include "ops/gemm/gemm_pack.h"

namespace kantor::KANTOR_ISA {
namespace {

// y[i] = sum over k of row i of side, times x[k], for i in [begin, begin + count), count <= kWidth; writes kWidth
// floats. Lane l of a sum takes every k with k % kWidth == l, in order; then the lanes are added in order.
inline void dot_rows(const Side& side, int64_t begin, int64_t count, const float* x, int64_t depth, float* y) {
  constexpr int kTogether = 4;  // independent sums, which hide the latency of one
  Vec square[kWidth] = {};
  for (int64_t first = 0; first < count; first += kTogether) {
    const float* row[kTogether];
    for (int64_t i = 0; i < kTogether; ++i) row[i] = side.at(begin + std::min(first + i, count - 1), 0);
    Vec sum[kTogether] = {};
    int64_t k = 0;
    for (; k + kWidth <= depth; k += kWidth)
      for (int i = 0; i < kTogether; ++i) sum[i] = fma(load(row[i] + k), load(x + k), sum[i]);
    if (k < depth)
      for (int i = 0; i < kTogether; ++i)
        sum[i] = fma(load_partial(row[i] + k, depth - k), load_partial(x + k, depth - k), sum[i]);
    for (int i = 0; i < kTogether; ++i) square[first + i] = sum[i];
  }
  transpose(square);
  Vec total = square[0];
  for (int lane = 1; lane < kWidth; ++lane) total += square[lane];
  store(y, total);
}

}  // namespace
}  // namespace kantor::KANTOR_ISA
