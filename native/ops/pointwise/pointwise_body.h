#pragma once
#include "ops/pointwise/pointwise_device.h"

namespace kantor::cuda {

template <int kElements, class Table>
struct PointwiseBody {
  static constexpr int kThreads = kBlockThreads;
  using Arguments = Table;
  using Shared = NoShared;

  // Element e of a thread lies kBlockThreads after element e - 1, so that neighbouring threads touch neighbouring elements.
  __device__ static void run(const Table& p, unsigned block, Shared&) {
    PwElement at[kElements];
    float none[kElements] = {};
    for (int e = 0; e < kElements; ++e) {
      int i = (static_cast<int>(block) * kElements + e) * kBlockThreads + static_cast<int>(threadIdx.x);
      at[e] = {i / p.cols, i % p.cols, i < p.rows * p.cols};
    }
    run_program(p, at, none);
  }
};

}  // namespace kantor::cuda
