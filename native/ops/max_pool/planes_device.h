// PoolPlanes as kernels count: in 32 bits.
#pragma once
#include "ops/max_pool/planes.h"
#include "runtime/cuda/device_code.h"

namespace kantor::cuda {

struct DevicePlanes {
  int count, h, w, p, q;

  static DevicePlanes of(const Node& node, const Tensor& large, const Tensor& small) {
    const PoolPlanes s = PoolPlanes::of(large, small);
    extent(node, large.count());
    extent(node, small.count());
    return {static_cast<int>(s.count), static_cast<int>(s.h), static_cast<int>(s.w), static_cast<int>(s.p),
            static_cast<int>(s.q)};
  }
  __device__ int large() const { return h * w; }
  __device__ int small() const { return p * q; }
};

// The element of a kernel that has one a thread.
__device__ inline int own_element(unsigned block) {
  return static_cast<int>(block) * kBlockThreads + static_cast<int>(threadIdx.x);
}

}  // namespace kantor::cuda
