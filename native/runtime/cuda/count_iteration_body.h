// What ends an iteration.
#pragma once
#include "runtime/cuda/cuda_executor.h"
#include "runtime/cuda/device_code.h"

namespace kantor::cuda {

struct CountIterationBody {
  static constexpr int kThreads = kWarp;
  struct Arguments {
    const int64_t* fault;
    Outcome* outcome;
  };
  using Shared = NoShared;

  __device__ static void run(const Arguments& a, unsigned, Shared&) {
    if (threadIdx.x % kWarp != 0 || a.outcome->stopped) return;
    if (held(a.fault))
      a.outcome->stopped = 1;
    else
      ++a.outcome->completed;
  }
};

}  // namespace kantor::cuda
