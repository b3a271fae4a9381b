// Sums of rows, channels or everything are one kind here: sum k goes over the rows r with r % channels == k. Elements go to
// threads, and threads to blocks, by the shape alone; a thread adds at most kFloatTerms in float before it goes on in
// double.
#pragma once
#include "ops/pointwise/pointwise_device.h"

namespace kantor::cuda {

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

template <class Table>
struct SumArguments {
  Table table;
  Sums sums;
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

constexpr int kTermsAtOnce = 8;  // of a thread: their loads are under way together

// Adds the terms at first, first + step, .. before end in that order; place(i): the row and column of term i.
template <class Table, class Place>
__device__ __forceinline__ double sum_terms(const Table& p, int result, int first, int end, int step, const Place& place) {
  Accumulator mine;
  const float none[kTermsAtOnce] = {};
  for (; first < end; first += kTermsAtOnce * step) {
    PwElement at[kTermsAtOnce];
    float terms[kTermsAtOnce];
    for (int e = 0; e < kTermsAtOnce; ++e) {
      int i = first + e * step;
      at[e] = i < end ? place(i) : PwElement{};
    }
    run_program(p, at, none, result, terms);
    for (int e = 0; e < kTermsAtOnce; ++e)
      if (at[e].live) mine.add(terms[e]);
  }
  mine.flush();
  return mine.total;
}

// What one of `threads` threads adds of elements first .. end - 1 of sum k.
template <class Table>
__device__ __forceinline__ double sum_terms(const Table& p, const Sums& s, int k, int first, int end, int threads) {
  return sum_terms(p, s.result, first, end, threads,
                   [&](int i) { return PwElement{i / p.cols * s.sums + k, i % p.cols, true}; });
}

__device__ inline void store_sum(const Sums& s, int at, double sum) {
  s.out[at] = static_cast<float>(static_cast<double>(s.scale) * sum);
}

// Block k adds all of sum k: for a few terms.
template <class Table>
struct SumByWarpBody {
  static constexpr int kThreads = kWarp;
  using Arguments = SumArguments<Table>;
  using Shared = NoShared;

  __device__ static void run(const Arguments& a, unsigned block, Shared&) {
    int k = static_cast<int>(block), lane = static_cast<int>(threadIdx.x) % kWarp;
    double mine = sum_terms(a.table, a.sums, k, lane, a.table.rows / a.sums.sums * a.table.cols, kWarp);
    double sum = block_sum<kWarp>(mine, static_cast<double*>(nullptr));
    if (lane == 0) store_sum(a.sums, k, sum);
  }
};

// Block k * parts + part adds part `part` of sum k.
template <class Table>
struct SumBody {
  static constexpr int kThreads = kBlockThreads;
  using Arguments = SumArguments<Table>;
  struct Shared {
    double parts[kBlockThreads / kWarp];
    bool flag;
  };

  __device__ static void run(const Arguments& a, unsigned block, Shared& shared) {
    const Sums& s = a.sums;
    int k = static_cast<int>(block) / s.parts, part = static_cast<int>(block) % s.parts;
    int all = a.table.rows / s.sums * a.table.cols, end = min(all, (part + 1) * s.terms);
    double mine = sum_terms(a.table, s, k, part * s.terms + static_cast<int>(threadIdx.x), end, kThreads);
    double sum = block_sum<kThreads>(mine, shared.parts);
    if (s.parts > 1) {
      if (threadIdx.x == 0) s.partial[block] = sum;
      if (!last_block(s.tickets + k, static_cast<unsigned>(s.parts), shared.flag)) return;
      double total = 0;
      for (int i = static_cast<int>(threadIdx.x); i < s.parts; i += kThreads) total += s.partial[k * s.parts + i];
      sum = block_sum<kThreads>(total, shared.parts);
    }
    if (threadIdx.x == 0) store_sum(s, k, sum);
  }
};

constexpr int kColumns = 32;                             // of a tile
constexpr int kRowLanes = kBlockThreads / kColumns;

// Block tile * parts + part adds rows part * terms .. of the tile's columns: thread t takes column t % 32, each eighth row.
template <class Table>
struct SumColumnsBody {
  static constexpr int kThreads = kBlockThreads;
  using Arguments = SumArguments<Table>;
  struct Shared {
    double lanes[kRowLanes][kColumns];
    bool flag;
  };

  __device__ static void run(const Arguments& a, unsigned block, Shared& shared) {
    const Table& p = a.table;
    const Sums& s = a.sums;
    int tile = static_cast<int>(block) / s.parts, part = static_cast<int>(block) % s.parts;
    int lane = static_cast<int>(threadIdx.x) / kColumns, column = static_cast<int>(threadIdx.x) % kColumns;
    int col = tile * kColumns + column, end = min(p.rows, (part + 1) * s.terms);
    shared.lanes[lane][column] =
        col < p.cols ? sum_terms(p, s.result, part * s.terms + lane, end, kRowLanes,
                                 [&](int row) { return PwElement{row, col, true}; })
                     : 0;
    __syncthreads();
    double sum = 0;
    if (lane == 0)
      for (int l = 0; l < kRowLanes; ++l) sum += shared.lanes[l][column];
    if (s.parts > 1) {
      if (lane == 0 && col < p.cols) s.partial[part * p.cols + col] = sum;
      __syncwarp();  // lane 0 of the rows is the warp of thread 0
      if (!last_block(s.tickets + tile, static_cast<unsigned>(s.parts), shared.flag)) return;
      sum = 0;
      if (lane == 0 && col < p.cols)
        for (int i = 0; i < s.parts; ++i) sum += s.partial[i * p.cols + col];
    }
    if (lane == 0 && col < p.cols) store_sum(s, col, sum);
  }
};

}  // namespace kantor::cuda
