// float32, exactly: every product and sum is a float32 fma, in the order of the depth.
//
// A block makes a tile of C, or, where there are few tiles, a part of the depth of one: then each part's sums go to
// scratch, and the last block of the tile to finish adds them up in the order of the parts. Tiles and parts depend on the
// shape alone.
#include "ops/gemm/gemm.h"

#include "ops/pointwise/pointwise_device.h"

namespace kantor::cuda {

namespace {

constexpr int kStep = 16;  // of the depth, that a block holds in shared memory at a time
constexpr int kPad = 4;    // floats after a row of it, so that transposed stores meet fewer of the same banks

// kRows x kCols of C by a block; kThreadRows x kThreadCols of those by a thread, side by side.
template <int rows, int cols, int thread_rows, int thread_cols>
struct TileShape {
  static constexpr int kRows = rows, kCols = cols, kThreadRows = thread_rows, kThreadCols = thread_cols;
  static constexpr int kThreads = rows / thread_rows * (cols / thread_cols);
};
using SmallTile = TileShape<32, 32, 4, 2>;
using LargeTile = TileShape<64, 64, 4, 4>;

struct GemmArguments {
  const float *a, *b;
  float* partial;     // [parts, m, n], where there are several parts
  unsigned* tickets;  // one a tile
  int m, n, depth;
  int tile_cols;       // tiles of a row of tiles
  int parts, steps;    // of the depth: parts, and kSteps in each
};

template <class Tile>
struct GemmShared {
  float (&a)[2][kStep][Tile::kRows + kPad];
  float (&b)[2][kStep][Tile::kCols + kPad];
  float (&c)[Tile::kRows][Tile::kCols];
  bool& flag;
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

struct TilePlace {
  int tile, row, col, part;
};

// Takes the block's sums from shared memory, to scratch or through the epilogue: neighbouring threads take neighbouring
// columns.
template <class Tile, class Table>
__device__ __forceinline__ void finish(const GemmArguments& g, const Table& epilogue, const TilePlace& at,
                                       const GemmShared<Tile>& shared) {
  constexpr int kElements = 4, kCount = Tile::kRows * Tile::kCols / Tile::kThreads;
  static_assert(kCount % kElements == 0);
  auto element = [&](int e) {
    int i = e * Tile::kThreads + static_cast<int>(threadIdx.x), row = at.row + i / Tile::kCols, col = at.col + i % Tile::kCols;
    return PwElement{row, col, row < g.m && col < g.n};
  };
  auto partial = [&](int part, const PwElement& x) -> float& {
    return g.partial[(static_cast<int64_t>(part) * g.m + x.row) * g.n + x.col];
  };
  if (g.parts > 1) {
    for (int e = 0; e < kCount; ++e)
      if (PwElement x = element(e); x.live) partial(at.part, x) = shared.c[x.row - at.row][x.col - at.col];
    __syncthreads();
    if (!last_block(g.tickets + at.tile, static_cast<unsigned>(g.parts), shared.flag)) return;
  }
  for (int first = 0; first < kCount; first += kElements) {
    PwElement elements[kElements];
    PwRegisters<kElements> registers = {};
    float sums[kElements];
    for (int e = 0; e < kElements; ++e) {
      PwElement x = elements[e] = element(first + e);
      sums[e] = g.parts > 1 ? 0 : shared.c[x.row - at.row][x.col - at.col];
      if (g.parts > 1 && x.live)
        for (int part = 0; part < g.parts; ++part) sums[e] += partial(part, x);
    }
    run_program(epilogue, elements, sums, registers);
  }
}

template <class Tile, bool transpose_a, bool transpose_b, class Table>
__device__ __forceinline__ void gemm(const GemmArguments& g, const Table& epilogue, unsigned block,
                                     const GemmShared<Tile>& shared) {
  constexpr int kThreadRows = Tile::kThreadRows, kThreadCols = Tile::kThreadCols;
  int part = static_cast<int>(block) % g.parts, tile = static_cast<int>(block) / g.parts;
  int tile_row = tile / g.tile_cols, tile_col = tile % g.tile_cols;
  // Where this thread's part of the tile begins in it.
  int own_row = static_cast<int>(threadIdx.x) / (Tile::kCols / kThreadCols) * kThreadRows;
  int own_col = static_cast<int>(threadIdx.x) % (Tile::kCols / kThreadCols) * kThreadCols;
  bool outside = tile_row * Tile::kRows + own_row >= g.m || tile_col * Tile::kCols + own_col >= g.n;
  float c[kThreadRows][kThreadCols] = {};

  Piece<Tile::kRows, Tile::kThreads, transpose_a> a;
  Piece<Tile::kCols, Tile::kThreads, !transpose_b> b;
  int first = part * g.steps * kStep, last = min(g.depth, first + g.steps * kStep);
  auto load = [&](int k) {
    a.load(g.a, tile_row * Tile::kRows, g.m, k, g.depth);
    b.load(g.b, tile_col * Tile::kCols, g.n, k, g.depth);
  };
  auto store = [&](int buffer) {
    a.store(shared.a[buffer]);
    b.store(shared.b[buffer]);
  };
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
  finish(g, epilogue, TilePlace{tile, tile_row * Tile::kRows, tile_col * Tile::kCols, part}, shared);
}

template <class Tile, bool transpose_a, bool transpose_b, class Table>
__global__ void __launch_bounds__(Tile::kThreads, 1) gemm_kernel(const int64_t* guard, GemmArguments g, Table epilogue) {
  using A = float[2][kStep][Tile::kRows + kPad];
  using B = float[2][kStep][Tile::kCols + kPad];
  using C = float[Tile::kRows][Tile::kCols];
  KANTOR_SHARED(A, a);
  KANTOR_SHARED(B, b);
  KANTOR_SHARED(C, c);
  KANTOR_SHARED(bool, flag);
  if (!held(guard)) gemm<Tile, transpose_a, transpose_b>(g, epilogue, blockIdx.x, GemmShared<Tile>{a, b, c, flag});
}

template <class Tile, class Table>
void enqueue(const Node& node, GemmArguments g, const Table& epilogue, Recorder& r) {
  // About as many blocks as a large GPU has multiprocessors; a part is at least four steps deep.
  constexpr int kBlocks = 128, kLeastSteps = 4;
  g.tile_cols = ceil_div(g.n, Tile::kCols);
  int tiles = ceil_div(g.m, Tile::kRows) * g.tile_cols, steps = ceil_div(g.depth, kStep);
  int parts = std::max(1, std::min(kBlocks / tiles, steps / kLeastSteps));
  g.steps = ceil_div(steps, parts);
  g.parts = ceil_div(steps, g.steps);
  if (g.parts > 1) {
    g.partial = r.scratch<float>(int64_t{g.parts} * g.m * g.n);
    g.tickets = r.tickets(tiles);
  }
  LaunchShape shape = {static_cast<unsigned>(tiles * g.parts), Tile::kThreads};
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
