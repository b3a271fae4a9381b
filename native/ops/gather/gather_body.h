#pragma once
#include "runtime/cuda/device_code.h"

namespace kantor::cuda {

template <class From, class To>
struct GatherBody {
  static constexpr int kThreads = kBlockThreads;
  struct Arguments {
    const From* data;
    const int32_t* indices;
    To* out;
    int count, width, elements;
    float scale, shift;
  };
  using Shared = NoShared;

  __device__ static void run(const Arguments& a, unsigned block, Shared&) {
    int i = static_cast<int>(block) * kBlockThreads + static_cast<int>(threadIdx.x);
    if (i >= a.elements) return;
    int row = i / a.width, index = a.indices[row];
    bool inside = index >= 0 && index < a.count;
    From value = inside ? a.data[static_cast<int64_t>(index) * a.width + i % a.width] : From{};
    if constexpr (std::is_same_v<To, int32_t>)
      a.out[i] = inside ? static_cast<int32_t>(value) : -1;
    else
      a.out[i] = inside ? fmaf(static_cast<float>(value), a.scale, a.shift) : __int_as_float(0x7FC00000);
  }
};

}  // namespace kantor::cuda
