#pragma once
#include "runtime/cuda/device_code.h"

namespace kantor::cuda {

struct CounterAddBody {
  static constexpr int kThreads = kWarp;
  struct Arguments {
    int64_t* counter;
    int64_t amount;
  };
  using Shared = NoShared;

  __device__ static void run(const Arguments& a, unsigned, Shared&) {
    if (threadIdx.x % kWarp == 0) *a.counter += a.amount;
  }
};

}  // namespace kantor::cuda
