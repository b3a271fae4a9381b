#include "ops/counter_add/counter_add.h"
#include "runtime/cuda/device_code.h"

namespace kantor::cuda {

namespace {

__device__ inline void counter_add(int64_t* counter, int64_t amount) {
  if (threadIdx.x == 0) *counter += amount;
}

__global__ void counter_add_kernel(const int64_t* guard, int64_t* counter, int64_t amount) {
  if (!held(guard)) counter_add(counter, amount);
}

}  // namespace

void enqueue_counter_add(const Node& node, Recorder& r) {
  r.launch(counter_add_kernel, {1, kWarp}, node.out[0].as<int64_t>(), node.attributes[0]);
}

}  // namespace kantor::cuda
