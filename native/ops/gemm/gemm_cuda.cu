#include "ops/gemm/gemm.h"

#include "ops/gemm/tile_device.h"

namespace kantor::cuda {

namespace {

struct GemmArguments {
  const float *a, *b;
  int m, n, depth;
  int tile_cols;  // tiles of a row of tiles
  TileParts parts;
};

// A piece kStep deep of one operand on its way to shared memory: element (k, i) of it is at k * i_count + i in global
// memory where i_fast, else at i * depth + k. Outside, zeros.
template <int kExtent, int kThreads, bool i_fast>
struct Piece {
  static constexpr int kCount = kExtent * kStep / kThreads;
  static_assert(kExtent * kStep % kThreads == 0);
  float values[kCount];

  __device__ static int k_of(int e) { return i_fast ? e / kExtent : e % kStep; }
  __device__ static int i_of(int e) { return i_fast ? e % kExtent : e / kStep; }
  __device__ __forceinline__ void load(const float* from, int first_i, int i_count, int first_k, int depth) {
#pragma unroll
    for (int v = 0; v < kCount; ++v) {
      int e = v * kThreads + static_cast<int>(threadIdx.x), k = first_k + k_of(e), i = first_i + i_of(e);
      bool inside = k < depth && i < i_count;
      values[v] = inside ? from[i_fast ? k * i_count + i : i * depth + k] : 0;
    }
  }
  __device__ __forceinline__ void store(float (&to)[kStep][kExtent + kPad]) const {
#pragma unroll
    for (int v = 0; v < kCount; ++v) {
      int e = v * kThreads + static_cast<int>(threadIdx.x);
      to[k_of(e)][i_of(e)] = values[v];
    }
  }
};

template <class Tile, bool transpose_a, bool transpose_b, class Table>
__device__ __forceinline__ void gemm(const GemmArguments& g, const Table& epilogue, unsigned block,
                                     const TileShared<Tile>& shared) {
  int part = static_cast<int>(block) % g.parts.parts, tile = static_cast<int>(block) / g.parts.parts;
  int row = tile / g.tile_cols * Tile::kRows, col = tile % g.tile_cols * Tile::kCols;
  int first = part * g.parts.steps * kStep, last = min(g.depth, first + g.parts.steps * kStep);
  Piece<Tile::kRows, Tile::kThreads, transpose_a> a;
  Piece<Tile::kCols, Tile::kThreads, !transpose_b> b;
  multiply<Tile>(
      first, last, g.m - row, g.n - col, shared,
      [&](int k) {
        a.load(g.a, row, g.m, k, g.depth);
        b.load(g.b, col, g.n, k, g.depth);
      },
      [&](int buffer) {
        a.store(shared.a[buffer]);
        b.store(shared.b[buffer]);
      });
  finish(g.parts, epilogue, tile, part, shared,
         [&](int r, int c) { return PwElement{row + r, col + c, row + r < g.m && col + c < g.n}; });
}

template <class Tile, bool transpose_a, bool transpose_b, class Table>
__global__ void __launch_bounds__(Tile::kThreads, 1) gemm_kernel(const int64_t* guard, GemmArguments g, Table epilogue) {
  KANTOR_TILE_SHARED(Tile, shared);
  if (!held(guard)) gemm<Tile, transpose_a, transpose_b>(g, epilogue, blockIdx.x, shared);
}

template <class Tile, class Table>
void enqueue(const Node& node, GemmArguments g, const Table& epilogue, Recorder& r) {
  g.tile_cols = ceil_div(g.n, Tile::kCols);
  int tiles = ceil_div(g.m, Tile::kRows) * g.tile_cols;
  g.parts = TileParts::of<Tile>(tiles, g.depth, r);
  LaunchShape shape = {static_cast<unsigned>(tiles * g.parts.parts), Tile::kThreads};
  if (node.attributes[0])
    node.attributes[1] ? r.launch(gemm_kernel<Tile, true, true, Table>, shape, g, epilogue)
                       : r.launch(gemm_kernel<Tile, true, false, Table>, shape, g, epilogue);
  else
    node.attributes[1] ? r.launch(gemm_kernel<Tile, false, true, Table>, shape, g, epilogue)
                       : r.launch(gemm_kernel<Tile, false, false, Table>, shape, g, epilogue);
}

}  // namespace

void enqueue_gemm(const Node& node, Recorder& r) {
  size_t position = 2;
  PwProgram program = PwProgram::decode(node, &position, 2, 0, true);
  const Tensor& a = node.in[0];
  GemmArguments g = {};
  g.a = a.f32();
  g.b = node.in[1].f32();
  g.m = extent(node, program.rows);
  g.n = extent(node, program.cols);
  g.depth = static_cast<int>(a.dims[node.attributes[0] ? 0 : 1]);
  extent(node, a.count());
  extent(node, node.in[1].count());
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
