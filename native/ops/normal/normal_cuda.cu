#include "ops/normal/normal.h"

#include "ops/normal/box_muller.h"
#include "runtime/cuda/device_code.h"

namespace kantor::cuda {

namespace {

struct NormalArguments {
  const int64_t *seed, *counter;
  int64_t step_scale, step_offset;
  float* out;
  uint32_t stream;
  int count;
};

// A thread fills one Philox block: four elements.
__device__ inline void normal(const NormalArguments& a, unsigned block) {
  int first = (static_cast<int>(block) * kBlockThreads + static_cast<int>(threadIdx.x)) * 4;
  if (first >= a.count) return;
  Philox4 word = philox(static_cast<uint32_t>(first / 4), a.stream, random_step(*a.counter, a.step_scale, a.step_offset),
                        static_cast<uint64_t>(*a.seed));
  NormalPair low = box_muller(word.x, word.y), high = box_muller(word.z, word.w);
  float* out = a.out + first;
  int left = a.count - first;
  out[0] = low.first;
  if (left > 1) out[1] = low.second;
  if (left > 2) out[2] = high.first;
  if (left > 3) out[3] = high.second;
}

__global__ void normal_kernel(const int64_t* guard, NormalArguments a) {
  if (!held(guard)) normal(a, blockIdx.x);
}

}  // namespace

void enqueue_normal(const Node& node, Recorder& r) {
  int count = extent(node, node.out[0].count());
  NormalArguments a = {node.in[0].as<int64_t>(), node.in[1].as<int64_t>(), node.attributes[1], node.attributes[2],
                       node.out[0].f32(), static_cast<uint32_t>(node.attributes[0]), count};
  r.launch(normal_kernel, elementwise(ceil_div(count, 4)), a);
}

}  // namespace kantor::cuda
