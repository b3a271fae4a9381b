#pragma once
#include "ops/gemm/tile_product_device.h"

namespace kantor::cuda {

struct GemmArguments {
  const float *a, *b;
  int m, n, depth;
  int tile_cols;             // tiles of a row of tiles
  bool a_fours, b_fours;     // four neighbours of a factor lie at a multiple of 16 bytes
  TileParts parts;
};

// Begins to copy kStep of the depth of one factor: element (k, i) of it is at i * depth + k in global memory where
// Layout::kDeep, else at k * count + i. Outside, zeros.
template <class Layout, int kThreads>
__device__ __forceinline__ void copy_piece(float* to, const float* from, int first_i, int count, int first_k, int depth,
                                           bool fours) {
  constexpr int kAcross = (Layout::kDeep ? kStep : Layout::kExtent) / 4, kChunks = Layout::kExtent * kStep / 4;
  int line = Layout::kDeep ? depth : count;
#pragma unroll
  for (int v = 0; v < (kChunks + kThreads - 1) / kThreads; ++v) {
    int e = v * kThreads + static_cast<int>(threadIdx.x), across = e % kAcross * 4, along = e / kAcross;
    if (kChunks % kThreads != 0 && e >= kChunks) break;
    int k = Layout::kDeep ? across : along, i = Layout::kDeep ? along : across;
    int fast = Layout::kDeep ? first_k + k : first_i + i, slow = Layout::kDeep ? first_i + i : first_k + k;
    int live = slow < (Layout::kDeep ? count : depth) ? max(0, min(4, line - fast)) : 0;
    const float* source = live > 0 ? from + static_cast<int64_t>(slow) * line + fast : from;
    float* place = to + Layout::at(k, i);
    if (fours)
      copy_async<16>(place, source, static_cast<unsigned>(live) * sizeof(float));
    else
#pragma unroll
      for (int j = 0; j < 4; ++j) copy_async<4>(place + j, j < live ? source + j : from, j < live ? sizeof(float) : 0);
  }
}

template <class Tile, Precision precision, bool transpose_a, bool transpose_b, class Table>
__device__ __forceinline__ void gemm(const GemmArguments& g, const Table& epilogue, unsigned block,
                                     const TileShared& shared) {
  using Product = TileProduct<Tile, precision, !transpose_a, transpose_b>;
  int part = static_cast<int>(block) % g.parts.parts, tile = static_cast<int>(block) / g.parts.parts;
  int row = tile / g.tile_cols * Tile::kRows, col = tile % g.tile_cols * Tile::kCols;
  int first = part * g.parts.steps * kStep, last = min(g.depth, first + g.parts.steps * kStep);
  Product::run(
      first, last, g.m - row, g.n - col, shared,
      [&](int k, float* a, float* b) {
        copy_piece<typename Product::A, Tile::kThreads>(a, g.a, row, g.m, k, g.depth, g.a_fours);
        copy_piece<typename Product::B, Tile::kThreads>(b, g.b, col, g.n, k, g.depth, g.b_fours);
      },
      [](float*, float*) {});
  finish<Tile>(g.parts, epilogue, tile, part, shared,
               [&](int r, int c) { return PwElement{row + r, col + c, row + r < g.m && col + c < g.n}; });
}

template <class Tile, Precision precision, bool transpose_a, bool transpose_b, class Table>
struct GemmBody {
  static constexpr int kThreads = Tile::kThreads;
  struct Arguments {
    GemmArguments product;
    Table epilogue;
  };
  struct alignas(16) Shared {
    float memory[TileProduct<Tile, precision, !transpose_a, transpose_b>::kFloats];
    bool flag;
  };
  using Wide = GemmBody<typename Tile::Wide, precision, transpose_a, transpose_b, Table>;

  __device__ static void run(const Arguments& a, unsigned block, Shared& shared) {
    gemm<Tile, precision, transpose_a, transpose_b>(a.product, a.epilogue, block, {shared.memory, shared.flag});
  }
};

}  // namespace kantor::cuda
