#include "ops/pool_gather/pool_gather.h"

#include "ops/max_pool/planes_device.h"

namespace kantor::cuda {

namespace {

struct PoolGatherArguments {
  const float* x;
  const int32_t* index;
  float* out;
  DevicePlanes s;
};

__device__ inline void pool_gather(const PoolGatherArguments& a, unsigned block) {
  int i = own_element(block);
  if (i >= a.s.count * a.s.small()) return;
  int at = a.index[i];
  bool inside = at >= 0 && at < a.s.large();
  a.out[i] = inside ? a.x[i / a.s.small() * a.s.large() + at] : 0;
}

__global__ void pool_gather_kernel(const int64_t* guard, PoolGatherArguments a) {
  if (starts(guard)) pool_gather(a, blockIdx.x);
}

}  // namespace

void enqueue_pool_gather(const Node& node, Recorder& r) {
  DevicePlanes s = DevicePlanes::of(node, node.in[0], node.out[0]);
  PoolGatherArguments a = {node.in[0].f32(), node.in[1].as<int32_t>(), node.out[0].f32(), s};
  r.launch(pool_gather_kernel, elementwise(s.count * s.p * s.q), a);
}

}  // namespace kantor::cuda
