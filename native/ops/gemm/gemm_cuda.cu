#include "ops/gemm/gemm.h"

#include "ops/gemm/tile_product_device.h"

namespace kantor::cuda {

namespace {

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
__global__ void __launch_bounds__(Tile::kThreads, 1) gemm_kernel(const int64_t* guard, GemmArguments g, Table epilogue) {
  KANTOR_DYNAMIC_SHARED(float, memory);
  KANTOR_SHARED(bool, flag);
  if (!held(guard)) gemm<Tile, precision, transpose_a, transpose_b>(g, epilogue, blockIdx.x, {memory, flag});
}

template <class Tile, bool transpose_a, bool transpose_b, class Table>
void enqueue(const Node& node, GemmArguments g, const Table& epilogue, Recorder& r) {
  g.tile_cols = ceil_div(g.n, Tile::kCols);
  int tiles = ceil_div(g.m, Tile::kRows) * g.tile_cols;
  g.parts = TileParts::of<Tile>(tiles, g.depth, r);
  with_precision(node.precision, [&](auto precision) {
    using Product = TileProduct<Tile, precision.value, !transpose_a, transpose_b>;
    r.launch(gemm_kernel<Tile, precision.value, transpose_a, transpose_b, Table>,
             {static_cast<unsigned>(tiles * g.parts.parts), Tile::kThreads, Product::kSharedBytes}, g, epilogue);
  });
}

template <class Tile, class Table>
void enqueue(const Node& node, const GemmArguments& g, const Table& epilogue, Recorder& r) {
  if (node.attributes[0])
    node.attributes[1] ? enqueue<Tile, true, true>(node, g, epilogue, r) : enqueue<Tile, true, false>(node, g, epilogue, r);
  else
    node.attributes[1] ? enqueue<Tile, false, true>(node, g, epilogue, r)
                       : enqueue<Tile, false, false>(node, g, epilogue, r);
}

bool in_fours(const Tensor& t) { return t.dims[1] % 4 == 0 && reinterpret_cast<uintptr_t>(t.data) % sizeof(float4) == 0; }

}  // namespace

void enqueue_gemm(const Node& node, Recorder& r) {
  size_t position = 2;
  PwProgram program = PwProgram::decode(node, &position, 2, 0, true);
  const Tensor &a = node.in[0], &b = node.in[1];
  GemmArguments g = {};
  g.a = a.f32();
  g.b = b.f32();
  g.m = extent(node, program.rows);
  g.n = extent(node, program.cols);
  g.depth = static_cast<int>(a.dims[node.attributes[0] ? 0 : 1]);
  extent(node, a.count());
  extent(node, b.count());
  g.a_fours = in_fours(a), g.b_fours = in_fours(b);
  with_table(node, program, 2, 0, [&](const auto& epilogue) {
    // Large tiles do more with what they load, once there are enough of them.
    constexpr int kEnough = 96;
    int large = ceil_div(g.m, LargeTile::kRows) * ceil_div(g.n, LargeTile::kCols);
    // (A program that needs the large table is too rare to have a kernel of its own for these.)
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(epilogue)>, SmallPw>)
      if (large >= kEnough) return enqueue<LargeTile>(node, g, epilogue, r);
    enqueue<SmallTile>(node, g, epilogue, r);
  });
}

}  // namespace kantor::cuda
