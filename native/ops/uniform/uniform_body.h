#pragma once
#include "ops/philox.h"
#include "runtime/cuda/device_code.h"

namespace kantor::cuda {

struct UniformBody {
  static constexpr int kThreads = kBlockThreads;
  struct Arguments {
    const int64_t *seed, *counter;
    int64_t step_scale, step_offset;
    float* out;
    uint32_t stream;
    int count;
    float low, width;
  };
  using Shared = NoShared;

  // A thread fills one Philox block: four elements.
  __device__ static void run(const Arguments& a, unsigned block, Shared&) {
    int first = (static_cast<int>(block) * kBlockThreads + static_cast<int>(threadIdx.x)) * 4;
    if (first >= a.count) return;
    Philox4 word = philox(static_cast<uint32_t>(first / 4), a.stream, random_step(*a.counter, a.step_scale, a.step_offset),
                          static_cast<uint64_t>(*a.seed));
    float* out = a.out + first;
    int left = a.count - first;
    out[0] = fmaf(a.width, uniform_from_bits(word.x), a.low);
    if (left > 1) out[1] = fmaf(a.width, uniform_from_bits(word.y), a.low);
    if (left > 2) out[2] = fmaf(a.width, uniform_from_bits(word.z), a.low);
    if (left > 3) out[3] = fmaf(a.width, uniform_from_bits(word.w), a.low);
  }
};

}  // namespace kantor::cuda
