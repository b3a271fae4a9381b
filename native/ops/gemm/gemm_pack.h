// The two factors as the kernels see them, and the packing of the one whose rows do not lie as vectors.
#pragma once
#include <algorithm>
#include <cstring>

#include "ops/gemm/gemm_microkernel.h"

namespace kantor::KANTOR_ISA {
namespace {

// A factor of the product: element (i, k) is data[i * stride + k] if it lies along k, else data[k * stride + i].
struct Side {
  const float* data;
  int64_t extent;
  ptrdiff_t stride;
  bool along_k;

  const float* at(int64_t i, int64_t k) const { return along_k ? data + i * stride + k : data + k * stride + i; }
};

// Whether elements that lie so many floats apart share a set of the first-level cache, whose sets repeat every 4 KB: it
// then holds only as many of them as a set has ways.
inline bool aliases(ptrdiff_t stride) { return stride % 1024 == 0; }

// Transposes a square in registers: log2(kWidth) rounds, each a perfect shuffle of row i with row i + kWidth / 2.
inline void transpose(Vec (&rows)[kWidth]) {
  IVec low, high;
  for (int i = 0; i < kWidth; ++i) {
    low[i] = i / 2 + i % 2 * kWidth;
    high[i] = low[i] + kWidth / 2;
  }
  for (int round = 1; round < kWidth; round *= 2) {
    Vec next[kWidth];
#pragma GCC unroll 8
    for (int i = 0; i < kWidth / 2; ++i) {
      next[2 * i] = __builtin_shuffle(rows[i], rows[i + kWidth / 2], low);
      next[2 * i + 1] = __builtin_shuffle(rows[i], rows[i + kWidth / 2], high);
    }
    std::memcpy(rows, next, sizeof next);
  }
}

// to[j * to_stride + i] = from[i * from_stride + j] for i < rows, j < cols. Writes whole vectors if pad: then to's rows
// are filled with zeros up to a multiple of kWidth; rows must otherwise fit.
inline void transpose_copy(const float* from, ptrdiff_t from_stride, int64_t rows, int64_t cols, float* to,
                           ptrdiff_t to_stride, bool pad) {
  for (int64_t i = 0; i < rows; i += kWidth) {
    int64_t row_count = std::min<int64_t>(kWidth, rows - i);
    for (int64_t j = 0; j < cols; j += kWidth) {
      int64_t col_count = std::min<int64_t>(kWidth, cols - j);
      const float* source = from + i * from_stride + j;
      float* target = to + j * to_stride + i;
      Vec square[kWidth] = {};
      if (row_count == kWidth && col_count == kWidth) {
        for (int r = 0; r < kWidth; ++r) square[r] = load(source + r * from_stride);
        transpose(square);
        for (int r = 0; r < kWidth; ++r) store(target + r * to_stride, square[r]);
        continue;
      }
      for (int64_t r = 0; r < row_count; ++r) square[r] = load_partial(source + r * from_stride, col_count);
      transpose(square);
      int64_t written = pad ? kWidth : row_count;
      for (int64_t r = 0; r < col_count; ++r) store_partial(target + r * to_stride, square[r], written);
    }
  }
}

// Panel p of a side, its columns p * kTileCols and on, for k in [k0, k1), as rows of kTileCols floats. What is left of
// the last vector becomes zero, a further vector stays as it was.
inline void pack_panel(const Side& side, int64_t p, int64_t k0, int64_t k1, float* panel) {
  int64_t i = p * kTileCols, count = std::min<int64_t>(kTileCols, side.extent - i);
  if (side.along_k) {
    transpose_copy(side.at(i, k0), side.stride, count, k1 - k0, panel, kTileCols, true);
    return;
  }
  size_t bytes = static_cast<size_t>(count) * sizeof(float);
  int64_t padded = (count + kWidth - 1) / kWidth * kWidth;
  for (int64_t k = k0; k < k1; ++k, panel += kTileCols) {
    std::memcpy(panel, side.at(i, k), bytes);
    std::fill(panel + count, panel + padded, 0.0f);
  }
}

}  // namespace
}  // namespace kantor::KANTOR_ISA
