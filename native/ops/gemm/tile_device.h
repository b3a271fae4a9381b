// What the kernels share that multiply matrices tile by tile: gemm and the convolutions.
//
// A block makes a tile of the product, or, where there are few tiles, a part of the depth of one: then each part's sums go
// to scratch, and the last block of the tile to finish adds them up in the order of the parts. Tiles and parts depend on
// the shape alone. tile_product_device.h has the sums themselves.
#pragma once
#include "ops/pointwise/pointwise_device.h"

namespace kantor::cuda {

constexpr int kStep = 16;   // of the depth, that a block takes from shared memory at a time
constexpr int kStages = 4;  // such steps in shared memory, on their way there but for one

// kRows x kCols of the product by a block, kWarpRows x kWarpCols of those by a warp.
template <int rows, int cols, int warp_rows, int warp_cols>
struct TileShape {
  static constexpr int kRows = rows, kCols = cols, kWarpRows = warp_rows, kWarpCols = warp_cols;
  static constexpr int kThreads = rows / warp_rows * (cols / warp_cols) * kWarp;
  static_assert(rows % warp_rows == 0 && cols % warp_cols == 0 && warp_rows % 16 == 0 && warp_cols % 8 == 0);
  // Sums in shared memory: rows so far apart that the fragments of a warp meet different banks.
  static constexpr int kSumStride = cols + 8, kSumFloats = rows * kSumStride;
  // The same by 256 threads.
  using Wide = TileShape<rows, cols, warp_rows, warp_cols * kThreads / kBlockThreads>;
};
using FlatTile = TileShape<16, 128, 16, 32>;
using SmallTile = TileShape<32, 32, 16, 16>;
using LargeTile = TileShape<64, 64, 32, 32>;

struct TileShared {
  float* memory;  // the stages, then the sums: 16-byte aligned
  bool& flag;
};

// The parts of each tile's depth.
struct TileParts {
  float* partial;     // a tile for each part of each, where there are several
  unsigned* tickets;  // one a tile
  int parts, steps;   // steps of the depth in each

  // About as many blocks as a large GPU has multiprocessors, whichever GPU runs it, so that all give the same sums; a part
  // is at least four steps deep.
  static constexpr int kBlocks = 128, kLeastSteps = 4;
  // Large tiles do more with what they load, once there are so many of them.
  static constexpr int kEnough = 96;
  static int most(int depth) { return std::max(1, ceil_div(depth, kStep) / kLeastSteps); }

  template <class Tile>
  static TileParts of(int tiles, int depth, Recorder& r, int blocks = kBlocks) {
    return of_steps<Tile>(tiles, ceil_div(depth, kStep), std::min(blocks / tiles, most(depth)), r);
  }
  // Of so many steps, in about so many parts.
  template <class Tile>
  static TileParts of_steps(int tiles, int steps, int parts, Recorder& r) {
    TileParts p = {nullptr, nullptr, std::max(1, parts), 0};
    p.steps = std::max(1, ceil_div(steps, p.parts));
    p.parts = std::max(1, ceil_div(steps, p.steps));
    if (p.parts > 1) {
      p.partial = r.scratch<float>(int64_t{tiles} * p.parts * Tile::kRows * Tile::kCols);
      p.tickets = r.tickets(tiles);
    }
    return p;
  }
};

// Takes the block's sums from shared memory, to scratch or through the epilogue: neighbouring threads take neighbouring
// columns. element(row, col): where that element of the tile lies for the epilogue.
template <class Tile, class Table, class Element>
__device__ __forceinline__ void finish(const TileParts& p, const Table& epilogue, int tile, int part,
                                       const TileShared& shared, const Element& element) {
  constexpr int kCount = Tile::kRows * Tile::kCols / Tile::kThreads, kElements = kCount < 8 ? kCount : 8;
  static_assert(kCount % kElements == 0);
  auto index = [](int e) { return e * Tile::kThreads + static_cast<int>(threadIdx.x); };
  auto place = [&](int e) { return element(index(e) / Tile::kCols, index(e) % Tile::kCols); };
  auto sum = [&](int e) {
    return shared.memory[index(e) / Tile::kCols * Tile::kSumStride + index(e) % Tile::kCols];
  };
  auto partial = [&](int of, int e) -> float& {
    return p.partial[(static_cast<int64_t>(tile) * p.parts + of) * (Tile::kRows * Tile::kCols) + index(e)];
  };
  if (p.parts > 1) {
    for (int e = 0; e < kCount; ++e)
      if (place(e).live) partial(part, e) = sum(e);
    __syncthreads();
    if (!last_block(p.tickets + tile, static_cast<unsigned>(p.parts), shared.flag)) return;
  }
  // What is added is on its way together, that of a few parts at a time.
  constexpr int kAhead = 4;
  for (int first = 0; first < kCount; first += kElements) {
    PwElement elements[kElements];
    float sums[kElements];
#pragma unroll
    for (int e = 0; e < kElements; ++e) {
      elements[e] = place(first + e);
      sums[e] = p.parts > 1 ? 0 : sum(first + e);
    }
    if (p.parts > 1)
      for (int of = 0; of < p.parts; of += kAhead) {
        float terms[kAhead][kElements];
#pragma unroll
        for (int k = 0; k < kAhead; ++k)
#pragma unroll
          for (int e = 0; e < kElements; ++e)
            terms[k][e] = of + k < p.parts && elements[e].live ? partial(of + k, first + e) : 0;
#pragma unroll
        for (int k = 0; k < kAhead; ++k)
#pragma unroll
          for (int e = 0; e < kElements; ++e) sums[e] += terms[k][e];
      }
    run_program(epilogue, elements, sums);
  }
}

}  // namespace kantor::cuda
