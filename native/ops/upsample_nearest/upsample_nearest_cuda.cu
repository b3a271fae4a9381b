#include "ops/upsample_nearest/upsample_nearest.h"

#include "ops/max_pool/planes_device.h"

namespace kantor::cuda {

namespace {

struct UpsampleArguments {
  const float* x;
  float* out;
  DevicePlanes s;
  int kh, kw;
  float factor;
};

__device__ inline void upsample_nearest(const UpsampleArguments& a, unsigned block) {
  int i = own_element(block);
  if (i >= a.s.count * a.s.large()) return;
  int plane = i / a.s.large(), p = i / a.s.w % a.s.h / a.kh, q = i % a.s.w / a.kw;
  a.out[i] = p < a.s.p && q < a.s.q ? a.factor * a.x[plane * a.s.small() + p * a.s.q + q] : 0;
}

__global__ void upsample_nearest_kernel(const int64_t* guard, UpsampleArguments a) {
  if (starts(guard)) upsample_nearest(a, blockIdx.x);
}

}  // namespace

void enqueue_upsample_nearest(const Node& node, Recorder& r) {
  DevicePlanes s = DevicePlanes::of(node, node.out[0], node.in[0]);
  UpsampleArguments a = {node.in[0].f32(), node.out[0].f32(), s, static_cast<int>(node.attributes[0]),
                         static_cast<int>(node.attributes[1]), node.attribute_f32(2)};
  r.launch(upsample_nearest_kernel, elementwise(s.count * s.h * s.w), a);
}

}  // namespace kantor::cuda
