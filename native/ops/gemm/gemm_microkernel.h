// One register tile of a product: C tile [MR, NR vectors] = sum over k of (column k of A) * (row k of B).
//
// A is the broadcast side, B the vector side: a tile holds MR * NR accumulators, and each k costs MR broadcasts and NR
// loads. The sum runs over k in order, one fused multiply-add a term, so an element's value does not depend on the tile
// it falls in.
#pragma once
#include <array>
#include <cstddef>
#include <utility>

#include "ops/simd.h"

namespace kantor::KANTOR_ISA {
namespace {

// The largest tile that leaves registers for the operands, of the 32 (AVX-512) or 16.
#if defined(__AVX512F__)
constexpr int kTileRows = 14, kTileVectors = 2;
#else
constexpr int kTileRows = 6, kTileVectors = 2;
#endif
constexpr int kTileCols = kTileVectors * kWidth;

// Element (i, k) of A is a[i * a_stride + k] if rows of A are contiguous in k (kAlongK), else a[k * a_stride + i].
// B's row k starts at b + k * b_stride, C's row i at c + i * c_stride. C is overwritten, or, if resume, what it holds
// is the sum's beginning.
using TileFunction = void (*)(const float* a, ptrdiff_t a_stride, const float* b, ptrdiff_t b_stride, int64_t depth,
                              float* c, ptrdiff_t c_stride, bool resume);

template <int MR, int NR, bool kAlongK>
void tile(const float* a, ptrdiff_t a_stride, const float* b, ptrdiff_t b_stride, int64_t depth, float* c,
          ptrdiff_t c_stride, bool resume) {
  Vec sum[MR][NR] = {};
  if (resume) {
#pragma GCC unroll 16
    for (int i = 0; i < MR; ++i)
#pragma GCC unroll 4
      for (int j = 0; j < NR; ++j) sum[i][j] = load(c + i * c_stride + j * kWidth);
  }
  for (int64_t k = 0; k < depth; ++k) {
    Vec row[NR];
#pragma GCC unroll 4
    for (int j = 0; j < NR; ++j) row[j] = load(b + j * kWidth);
#pragma GCC unroll 16
    for (int i = 0; i < MR; ++i) {
      Vec x = broadcast(kAlongK ? a[i * a_stride] : a[i]);
#pragma GCC unroll 4
      for (int j = 0; j < NR; ++j) sum[i][j] = fma(x, row[j], sum[i][j]);
    }
    a += kAlongK ? 1 : a_stride;
    b += b_stride;
  }
#pragma GCC unroll 16
  for (int i = 0; i < MR; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < NR; ++j) store(c + i * c_stride + j * kWidth, sum[i][j]);
}

template <int NR, bool kAlongK, size_t... Row>
constexpr std::array<TileFunction, sizeof...(Row)> tiles_of(std::index_sequence<Row...>) {
  return {tile<static_cast<int>(Row) + 1, NR, kAlongK>...};
}

// The kernel for a tile of rows x vectors, 1 <= rows <= kTileRows, 1 <= vectors <= kTileVectors.
inline TileFunction tile_function(int rows, int vectors, bool along_k) {
  using Rows = std::make_index_sequence<kTileRows>;
  static constexpr std::array<TileFunction, kTileRows> table[2][kTileVectors] = {
      {tiles_of<1, false>(Rows()), tiles_of<2, false>(Rows())}, {tiles_of<1, true>(Rows()), tiles_of<2, true>(Rows())}};
  return table[along_k][vectors - 1][static_cast<size_t>(rows - 1)];
}

}  // namespace
}  // namespace kantor::KANTOR_ISA
