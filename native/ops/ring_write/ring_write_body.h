#pragma once
#include "runtime/cuda/device_code.h"

namespace kantor::cuda {

struct RingWriteBody {
  static constexpr int kThreads = kBlockThreads;
  struct Arguments {
    const int64_t* counter;
    const float* const* sources;  // of the row's elements, each
    float* ring;
    int64_t size;
    int width;
  };
  using Shared = NoShared;

  __device__ static void run(const Arguments& a, unsigned block, Shared&) {
    int column = static_cast<int>(block) * kBlockThreads + static_cast<int>(threadIdx.x);
    if (column >= a.width) return;
    int64_t row = *a.counter % a.size;
    if (row < 0) row += a.size;
    a.ring[row * a.width + column] = *a.sources[column];
  }
};

}  // namespace kantor::cuda
