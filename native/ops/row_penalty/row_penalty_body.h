#pragma once
#include "runtime/cuda/device_code.h"

namespace kantor::cuda {

struct RowPenaltyBody {
  static constexpr int kThreads = kBlockThreads;
  struct Arguments {
    const float* g;  // the gradient of the penalty may be this itself: a block reads its row before it writes it
    float *penalty, *gradient, *norms;
    double* squares;  // of the rows' excesses
    unsigned* ticket;
    int rows, cols;
    double weight, center;
    bool one_sided;
  };
  struct Shared {
    double parts[kBlockThreads / kWarp];
    bool flag;
  };

  // Calls body with the column and the value of each element that is the thread's, a few of which are loaded together.
  template <class Body>
  __device__ static __forceinline__ void for_elements(const float* row, int cols, const Body& body) {
    constexpr int kAtOnce = 4;
    for (int first = static_cast<int>(threadIdx.x); first < cols; first += kAtOnce * kThreads) {
      float elements[kAtOnce];
#pragma unroll
      for (int e = 0; e < kAtOnce; ++e) elements[e] = first + e * kThreads < cols ? row[first + e * kThreads] : 0;
#pragma unroll
      for (int e = 0; e < kAtOnce; ++e)
        if (first + e * kThreads < cols) body(first + e * kThreads, elements[e]);
    }
  }

  // A block a row; the last to finish adds up the penalty.
  __device__ static void run(const Arguments& a, unsigned block, Shared& shared) {
    const float* g = a.g + static_cast<int64_t>(block) * a.cols;
    float* gradient = a.gradient + static_cast<int64_t>(block) * a.cols;
    double mine = 0;
    for_elements(g, a.cols, [&](int, float x) { mine += static_cast<double>(x) * static_cast<double>(x); });
    double norm = sqrt(block_sum<kThreads>(mine, shared.parts)), excess = norm - a.center;
    if (a.one_sided && excess < 0) excess = 0;
    double factor = norm == 0 ? 0 : 2 * a.weight / a.rows * excess / norm;
    for_elements(g, a.cols, [&](int c, float x) { gradient[c] = static_cast<float>(factor * static_cast<double>(x)); });
    if (threadIdx.x == 0) {
      a.norms[block] = static_cast<float>(norm);
      a.squares[block] = excess * excess;
    }
    if (!last_block(a.ticket, static_cast<unsigned>(a.rows), shared.flag)) return;
    double sum = 0;
    for (int r = static_cast<int>(threadIdx.x); r < a.rows; r += kThreads) sum += a.squares[r];
    sum = block_sum<kThreads>(sum, shared.parts);
    if (threadIdx.x == 0) *a.penalty = static_cast<float>(a.weight * sum / a.rows);
  }
};

}  // namespace kantor::cuda
