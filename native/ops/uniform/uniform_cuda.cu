#include "ops/uniform/uniform.h"

#include "ops/philox.h"
#include "runtime/cuda/device_code.h"

namespace kantor::cuda {

namespace {

struct UniformArguments {
  const int64_t *seed, *counter;
  int64_t step_scale, step_offset;
  float* out;
  uint32_t stream;
  int count;
  float low, width;
};

// A thread fills one Philox block: four elements.
__device__ inline void uniform(const UniformArguments& a, unsigned block) {
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

__global__ void uniform_kernel(const int64_t* guard, UniformArguments a) {
  if (!held(guard)) uniform(a, blockIdx.x);
}

}  // namespace

void enqueue_uniform(const Node& node, Recorder& r) {
  int count = extent(node, node.out[0].count());
  float low = node.attribute_f32(3), high = node.attribute_f32(4);
  UniformArguments a = {node.in[0].as<int64_t>(), node.in[1].as<int64_t>(), node.attributes[1], node.attributes[2],
                        node.out[0].f32(), static_cast<uint32_t>(node.attributes[0]), count, low, high - low};
  r.launch(uniform_kernel, elementwise(ceil_div(count, 4)), a);
}

}  // namespace kantor::cuda
