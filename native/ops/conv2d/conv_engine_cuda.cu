#include "ops/conv2d/conv_engine.h"

#include "ops/conv2d/conv_source_device.h"

namespace kantor::cuda {

namespace {

__global__ void __launch_bounds__(kBlockThreads)
    prologue_kernel(const int64_t* guard, const float* from, float* to, DevicePrologue prologue) {
  if (!starts(guard)) return;
  int i = static_cast<int>(blockIdx.x * kBlockThreads + threadIdx.x);
  const PwElement at[1] = {{i / prologue.cols, i % prologue.cols, i < prologue.rows * prologue.cols}};
  float value[1] = {at[0].live ? from[i] : 0};
  prologue.apply(at, value);
  if (at[0].live) to[i] = value[0];
}

}  // namespace

float* enqueue_operand(const Node& node, size_t operand, const ConvPrologue& prologue, Recorder& r) {
  const Tensor& tensor = node.in[operand];
  if (prologue.result < 0) return tensor.f32();
  float* made = r.scratch<float>(tensor.count());
  r.launch(prologue_kernel, elementwise(extent(node, tensor.count())), tensor.f32(), made,
           DevicePrologue::of(node, prologue, r));
  return made;
}

}  // namespace kantor::cuda
