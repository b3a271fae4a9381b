// What the kernels share that multiply matrices tile by tile: gemm and the convolutions. float32, exactly: every product and
// sum is a float32 fma, in the order of the depth.
//
// A block makes a tile of the product, or, where there are few tiles, a part of the depth of one: then each part's sums go
// to scratch, and the last block of the tile to finish adds them up in the order of the parts. Tiles and parts depend on
// the shape alone.
#pragma once
#include "ops/pointwise/pointwise_device.h"

namespace kantor::cuda {

constexpr int kStep = 16;  // of the depth, that a block holds in shared memory at a time
constexpr int kPad = 4;    // floats after a row of it, so that transposed stores meet fewer of the same banks

// kRows x kCols of the product by a block; kThreadRows x kThreadCols of those by a thread, side by side.
template <int rows, int cols, int thread_rows, int thread_cols>
struct TileShape {
  static constexpr int kRows = rows, kCols = cols, kThreadRows = thread_rows, kThreadCols = thread_cols;
  static constexpr int kThreads = rows / thread_rows * (cols / thread_cols);
  using A = float[2][kStep][rows + kPad];
  using B = float[2][kStep][cols + kPad];
  using C = float[rows][cols];
};
using SmallTile = TileShape<32, 32, 4, 2>;
using LargeTile = TileShape<64, 64, 4, 4>;

template <class Tile>
struct TileShared {
  typename Tile::A& a;
  typename Tile::B& b;
  typename Tile::C& c;
  bool& flag;
};
#define KANTOR_TILE_SHARED(Tile, name)  \
  using name##A = typename Tile::A;     \
  using name##B = typename Tile::B;     \
  using name##C = typename Tile::C;     \
  KANTOR_SHARED(name##A, name##_a);     \
  KANTOR_SHARED(name##B, name##_b);     \
  KANTOR_SHARED(name##C, name##_c);     \
  KANTOR_SHARED(bool, name##_flag);     \
  TileShared<Tile> name = {name##_a, name##_b, name##_c, name##_flag}

// The parts of each tile's depth.
struct TileParts {
  float* partial;     // a tile for each part of each, where there are several
  unsigned* tickets;  // one a tile
  int parts, steps;   // kSteps in each

  // About as many blocks as a large GPU has multiprocessors; a part is at least four steps deep.
  static constexpr int kBlocks = 128, kLeastSteps = 4;
  static int most(int steps) { return std::max(1, steps / kLeastSteps); }

  template <class Tile>
  static TileParts of(int tiles, int depth, Recorder& r) {
    int steps = ceil_div(depth, kStep);
    TileParts p = {nullptr, nullptr, std::max(1, std::min(kBlocks / tiles, most(steps))), 0};
    p.steps = std::max(1, ceil_div(steps, p.parts));
    p.parts = std::max(1, ceil_div(steps, p.steps));
    if (p.parts > 1) {
      p.partial = r.scratch<float>(int64_t{tiles} * p.parts * Tile::kRows * Tile::kCols);
      p.tickets = r.tickets(tiles);
    }
    return p;
  }
};

// kCount floats side by side of shared memory.
template <int kCount>
__device__ __forceinline__ void load_side_by_side(const float* from, float (&to)[kCount]) {
  if constexpr (kCount == 4) {
    float4 four = load4(from);
    to[0] = four.x, to[1] = four.y, to[2] = four.z, to[3] = four.w;
  } else {
#pragma unroll
    for (int i = 0; i < kCount; ++i) to[i] = from[i];
  }
}

// The tile's sums over [first, last) of the depth, to shared.c. load(k) brings the piece of both operands from depth k on
// into the thread's registers, store(buffer) takes it from there to shared.a[buffer] and shared.b[buffer]. live_rows and
// live_cols: of the tile, that are wanted.
template <class Tile, class Load, class Store>
__device__ __forceinline__ void multiply(int first, int last, int live_rows, int live_cols, const TileShared<Tile>& shared,
                                         const Load& load, const Store& store) {
  constexpr int kThreadRows = Tile::kThreadRows, kThreadCols = Tile::kThreadCols;
  // Where this thread's part of the tile begins in it.
  int own_row = static_cast<int>(threadIdx.x) / (Tile::kCols / kThreadCols) * kThreadRows;
  int own_col = static_cast<int>(threadIdx.x) % (Tile::kCols / kThreadCols) * kThreadCols;
  bool outside = own_row >= live_rows || own_col >= live_cols;
  float c[kThreadRows][kThreadCols] = {};
  load(first);
  store(0);
  __syncthreads();
  // While one piece is multiplied the next is on its way from memory.
  for (int k = first, buffer = 0; k < last; k += kStep, buffer ^= 1) {
    bool more = k + kStep < last;
    if (more) load(k + kStep);
#pragma unroll
    for (int s = 0; s < kStep && !outside; ++s) {
      float row[kThreadRows], col[kThreadCols];
      load_side_by_side(&shared.a[buffer][s][own_row], row);
      load_side_by_side(&shared.b[buffer][s][own_col], col);
#pragma unroll
      for (int i = 0; i < kThreadRows; ++i)
#pragma unroll
        for (int j = 0; j < kThreadCols; ++j) c[i][j] = fmaf(row[i], col[j], c[i][j]);
    }
    if (!more) break;
    store(buffer ^ 1);
    __syncthreads();
  }

#pragma unroll
  for (int i = 0; i < kThreadRows; ++i)
#pragma unroll
    for (int j = 0; j < kThreadCols; ++j) shared.c[own_row + i][own_col + j] = c[i][j];
  __syncthreads();
}

// Takes the block's sums from shared.c, to scratch or through the epilogue: neighbouring threads take neighbouring
// columns. element(row, col): where that element of the tile lies for the epilogue.
template <class Tile, class Table, class Element>
__device__ __forceinline__ void finish(const TileParts& p, const Table& epilogue, int tile, int part,
                                       const TileShared<Tile>& shared, const Element& element) {
  constexpr int kElements = 4, kCount = Tile::kRows * Tile::kCols / Tile::kThreads;
  static_assert(kCount % kElements == 0);
  auto index = [](int e) { return e * Tile::kThreads + static_cast<int>(threadIdx.x); };
  auto place = [&](int e) { return element(index(e) / Tile::kCols, index(e) % Tile::kCols); };
  auto sum = [&](int e) -> float& { return shared.c[index(e) / Tile::kCols][index(e) % Tile::kCols]; };
  auto partial = [&](int of, int e) -> float& {
    return p.partial[(static_cast<int64_t>(tile) * p.parts + of) * (Tile::kRows * Tile::kCols) + index(e)];
  };
  if (p.parts > 1) {
    for (int e = 0; e < kCount; ++e)
      if (place(e).live) partial(part, e) = sum(e);
    __syncthreads();
    if (!last_block(p.tickets + tile, static_cast<unsigned>(p.parts), shared.flag)) return;
  }
  for (int first = 0; first < kCount; first += kElements) {
    PwElement elements[kElements];
    PwRegisters<kElements> registers = {};
    float sums[kElements];
    for (int e = 0; e < kElements; ++e) {
      elements[e] = place(first + e);
      sums[e] = p.parts > 1 ? 0 : sum(first + e);
      if (p.parts > 1 && elements[e].live)
        for (int of = 0; of < p.parts; ++of) sums[e] += partial(of, first + e);
    }
    run_program(epilogue, elements, sums, registers);
  }
}

}  // namespace kantor::cuda
