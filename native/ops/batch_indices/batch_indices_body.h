#pragma once
#include "ops/batch_indices/permute.h"
#include "runtime/cuda/device_code.h"

namespace kantor::cuda {

struct BatchIndicesBody {
  static constexpr int kThreads = kBlockThreads;
  struct Arguments {
    const int64_t *seed, *counter;
    int64_t step_scale, step_offset;
    int32_t* out;
    uint32_t n, count;
  };
  using Shared = NoShared;

  __device__ static void run(const Arguments& a, unsigned block, Shared&) {
    uint32_t i = block * kBlockThreads + threadIdx.x;
    if (i >= a.n) return;
    uint64_t batch = random_step(*a.counter, a.step_scale, a.step_offset);
    uint64_t per_epoch = a.count / a.n, epoch = batch / per_epoch, first = batch % per_epoch * a.n;
    uint32_t position = static_cast<uint32_t>(first) + i;
    a.out[i] = static_cast<int32_t>(permute(position, static_cast<uint64_t>(*a.seed), epoch, a.count));
  }
};

}  // namespace kantor::cuda
