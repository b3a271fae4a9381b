#include "ops/batch_indices/batch_indices.h"

#include "ops/batch_indices/permute.h"
#include "runtime/cuda/device_code.h"

namespace kantor::cuda {

namespace {

struct BatchArguments {
  const int64_t *seed, *counter;
  int64_t step_scale, step_offset;
  int32_t* out;
  uint32_t n, count;
};

__device__ inline void batch_indices(const BatchArguments& a, unsigned block) {
  uint32_t i = block * kBlockThreads + threadIdx.x;
  if (i >= a.n) return;
  uint64_t batch = random_step(*a.counter, a.step_scale, a.step_offset);
  uint64_t per_epoch = a.count / a.n, epoch = batch / per_epoch, first = batch % per_epoch * a.n;
  uint32_t position = static_cast<uint32_t>(first) + i;
  a.out[i] = static_cast<int32_t>(permute(position, static_cast<uint64_t>(*a.seed), epoch, a.count));
}

__global__ void batch_indices_kernel(const int64_t* guard, BatchArguments a) {
  if (!held(guard)) batch_indices(a, blockIdx.x);
}

}  // namespace

void enqueue_batch_indices(const Node& node, Recorder& r) {
  int n = extent(node, node.out[0].count());
  BatchArguments a = {node.in[0].as<int64_t>(), node.in[1].as<int64_t>(), node.attributes[1], node.attributes[2],
                      node.out[0].as<int32_t>(), static_cast<uint32_t>(n), static_cast<uint32_t>(node.attributes[0])};
  r.launch(batch_indices_kernel, elementwise(n), a);
}

}  // namespace kantor::cuda
