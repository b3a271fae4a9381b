#include "ops/one_hot/one_hot.h"

#include "runtime/cuda/device_code.h"

namespace kantor::cuda {

namespace {

struct OneHotArguments {
  const int32_t* labels;
  float* out;
  int classes, count;
};

__device__ inline void one_hot(const OneHotArguments& a, unsigned block) {
  int i = static_cast<int>(block) * kBlockThreads + static_cast<int>(threadIdx.x);
  if (i < a.count) a.out[i] = a.labels[i / a.classes] == i % a.classes ? 1 : 0;
}

__global__ void one_hot_kernel(const int64_t* guard, OneHotArguments a) {
  if (starts(guard)) one_hot(a, blockIdx.x);
}

}  // namespace

void enqueue_one_hot(const Node& node, Recorder& r) {
  const Tensor& out = node.out[0];
  OneHotArguments a = {node.in[0].as<int32_t>(), out.f32(), static_cast<int>(out.dims[1]), extent(node, out.count())};
  r.launch(one_hot_kernel, elementwise(a.count), a);
}

}  // namespace kantor::cuda
