// Sums of rows, channels or everything are one kind here: sum k goes over the rows r with r % channels == k. Elements go to
// threads, and threads to blocks, by the shape alone; a thread adds at most kFloatTerms in float before it goes on in
// double.
#include "ops/reduce/reduce.h"

#include "ops/pointwise/pointwise_device.h"

namespace kantor::cuda {

namespace {

constexpr int kFloatTerms = 64;
constexpr int kBlockElements = kFloatTerms * kBlockThreads;  // at most, of a sum that several blocks make

struct Sums {
  float* out;
  double* partial;    // [sums, parts], where there are several
  unsigned* tickets;  // one a sum, or a tile of columns
  int sums, parts, terms;  // parts a sum, terms a part
  int result;
  float scale;
};

// Adds up floats in float for a while, then in double.
struct Accumulator {
  double total = 0;
  float recent = 0;
  int terms = 0;
  __device__ void add(float x) {
    recent += x;
    if (++terms == kFloatTerms) flush();
  }
  __device__ void flush() {
    total += static_cast<double>(recent);
    recent = 0;
    terms = 0;
  }
};

template <class Table>
__device__ __forceinline__ float term(const Table& p, int result, int row, int col) {
  const PwElement at[1] = {{row, col, true}};
  const float none[1] = {};
  PwRegisters<1> registers = {};
  run_program(p, at, none, registers);
  return registers[result][0];
}

// Block k * parts + part adds part `part` of sum k.
template <int kThreads, class Table>
__device__ inline void sum_channels(const Table& p, const Sums& s, unsigned block, double* parts, bool& flag) {
  int k = static_cast<int>(block) / s.parts, part = static_cast<int>(block) % s.parts;
  int all = p.rows / s.sums * p.cols, end = min(all, (part + 1) * s.terms);
  Accumulator mine;
  for (int i = part * s.terms + static_cast<int>(threadIdx.x); i < end; i += kThreads)
    mine.add(term(p, s.result, i / p.cols * s.sums + k, i % p.cols));
  mine.flush();
  double sum = block_sum<kThreads>(mine.total, parts);
  if (s.parts > 1) {
    if (threadIdx.x == 0) s.partial[block] = sum;
    if (!last_block(s.tickets + k, static_cast<unsigned>(s.parts), flag)) return;
    double total = 0;
    for (int i = static_cast<int>(threadIdx.x); i < s.parts; i += kThreads) total += s.partial[k * s.parts + i];
    sum = block_sum<kThreads>(total, parts);
  }
  if (threadIdx.x == 0) s.out[k] = static_cast<float>(static_cast<double>(s.scale) * sum);
}

template <int kThreads, class Table>
__global__ void sum_channels_kernel(const int64_t* guard, Table p, Sums s) {
  KANTOR_SHARED(double[kBlockThreads / kWarp], parts);
  KANTOR_SHARED(bool, flag);
  if (!held(guard)) sum_channels<kThreads>(p, s, blockIdx.x, parts, flag);
}

constexpr int kColumns = 32;                             // of a tile
constexpr int kRowLanes = kBlockThreads / kColumns;

// Block tile * parts + part adds rows part * terms .. of the tile's columns: thread t takes column t % 32, each eighth row.
template <class Table>
__device__ inline void sum_columns(const Table& p, const Sums& s, unsigned block, double (&lanes)[kRowLanes][kColumns],
                                   bool& flag) {
  int tile = static_cast<int>(block) / s.parts, part = static_cast<int>(block) % s.parts;
  int lane = static_cast<int>(threadIdx.x) / kColumns, column = static_cast<int>(threadIdx.x) % kColumns;
  int col = tile * kColumns + column, end = min(p.rows, (part + 1) * s.terms);
  Accumulator mine;
  if (col < p.cols)
    for (int row = part * s.terms + lane; row < end; row += kRowLanes) mine.add(term(p, s.result, row, col));
  mine.flush();
  lanes[lane][column] = mine.total;
  __syncthreads();
  double sum = 0;
  if (lane == 0)
    for (int l = 0; l < kRowLanes; ++l) sum += lanes[l][column];
  if (s.parts > 1) {
    if (lane == 0 && col < p.cols) s.partial[part * p.cols + col] = sum;
    __syncwarp();  // lane 0 of the rows is the warp of thread 0
    if (!last_block(s.tickets + tile, static_cast<unsigned>(s.parts), flag)) return;
    sum = 0;
    if (lane == 0 && col < p.cols)
      for (int i = 0; i < s.parts; ++i) sum += s.partial[i * p.cols + col];
  }
  if (lane == 0 && col < p.cols) s.out[col] = static_cast<float>(static_cast<double>(s.scale) * sum);
}

template <class Table>
__global__ void sum_columns_kernel(const int64_t* guard, Table p, Sums s) {
  KANTOR_SHARED(double[kRowLanes][kColumns], lanes);
  KANTOR_SHARED(bool, flag);
  if (!held(guard)) sum_columns(p, s, blockIdx.x, lanes, flag);
}

template <class Table>
void enqueue(const Table& p, Sums s, ReduceKind kind, Recorder& r) {
  bool columns = kind == ReduceKind::columns;
  int terms = columns ? p.rows : p.rows / s.sums * p.cols;                    // of a sum
  s.terms = columns ? kRowLanes * kFloatTerms : kBlockElements;
  s.parts = ceil_div(terms, s.terms);
  int tiles = columns ? ceil_div(p.cols, kColumns) : s.sums;
  if (s.parts > 1) {
    s.partial = r.scratch<double>(static_cast<int64_t>(s.parts) * s.sums);
    s.tickets = r.tickets(tiles);
  }
  unsigned blocks = static_cast<unsigned>(tiles) * static_cast<unsigned>(s.parts);
  // A warp is enough for a few terms, and needs no barrier.
  constexpr int kFew = 512;
  if (columns)
    r.launch(sum_columns_kernel<Table>, {blocks, kBlockThreads}, p, s);
  else if (terms <= kFew)
    r.launch(sum_channels_kernel<kWarp, Table>, {blocks, kWarp}, p, s);
  else
    r.launch(sum_channels_kernel<kBlockThreads, Table>, {blocks, kBlockThreads}, p, s);
}

}  // namespace

void enqueue_reduce(const Node& node, Recorder& r) {
  auto kind = static_cast<ReduceKind>(node.attributes[0]);
  size_t position = 4;
  PwProgram program = PwProgram::decode(node, &position, 0, 1, false);
  Sums s = {};
  s.out = node.out[0].f32();
  s.scale = node.attribute_f32(1);
  s.result = static_cast<int>(node.attributes[2]);
  s.sums = extent(node, node.out[0].count());
  with_table(node, program, 0, 1, [&](const auto& table) { enqueue(table, s, kind, r); });
}

}  // namespace kantor::cuda
