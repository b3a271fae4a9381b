#pragma once
#include "runtime/cuda/device_code.h"

namespace kantor::cuda {

// T: any type of the elements' size.
template <class T>
struct CopyBody {
  static constexpr int kThreads = kBlockThreads;
  struct Arguments {
    const std::byte* from;
    std::byte* to;
    int64_t from_offset, to_offset;
    int64_t from_stride[kMaxRank], to_stride[kMaxRank];
    int size[kMaxRank];
    int rank, count;
  };
  using Shared = NoShared;

  __device__ static void run(const Arguments& a, unsigned block, Shared&) {
    int i = static_cast<int>(block) * kBlockThreads + static_cast<int>(threadIdx.x);
    if (i >= a.count) return;
    int64_t from = a.from_offset, to = a.to_offset;
    for (int d = a.rank - 1; d >= 0; --d) {
      from += i % a.size[d] * a.from_stride[d];
      to += i % a.size[d] * a.to_stride[d];
      i /= a.size[d];
    }
    reinterpret_cast<T*>(a.to)[to] = reinterpret_cast<const T*>(a.from)[from];
  }
};

template <class T>
struct FillZeroBody {
  static constexpr int kThreads = kBlockThreads;
  struct Arguments {
    T* to;
    int count;
  };
  using Shared = NoShared;

  __device__ static void run(const Arguments& a, unsigned block, Shared&) {
    int i = static_cast<int>(block) * kBlockThreads + static_cast<int>(threadIdx.x);
    if (i < a.count) a.to[i] = 0;
  }
};

}  // namespace kantor::cuda
