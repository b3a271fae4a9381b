#include "ops/ring_write/ring_write.h"
#include "runtime/cuda/device_code.h"

namespace kantor::cuda {

namespace {

struct RingArguments {
  const int64_t* counter;
  const float* const* sources;  // of the row's elements, each
  float* ring;
  int64_t size;
  int width;
};

__device__ inline void ring_write(const RingArguments& a, unsigned block) {
  int column = static_cast<int>(block) * kBlockThreads + static_cast<int>(threadIdx.x);
  if (column >= a.width) return;
  int64_t row = *a.counter % a.size;
  if (row < 0) row += a.size;
  a.ring[row * a.width + column] = *a.sources[column];
}

__global__ void ring_write_kernel(const int64_t* guard, RingArguments a) {
  if (!held(guard)) ring_write(a, blockIdx.x);
}

}  // namespace

void enqueue_ring_write(const Node& node, Recorder& r) {
  std::vector<const float*> sources;
  for (size_t i = 1; i < node.in.size(); ++i)
    for (int64_t k = 0; k < node.in[i].count(); ++k) sources.push_back(node.in[i].f32() + k);
  int width = extent(node, node.out[0].dims[1]);
  RingArguments a = {node.in[0].as<int64_t>(), r.constants(sources), node.out[0].f32(), node.out[0].dims[0], width};
  r.launch(ring_write_kernel, elementwise(width), a);
}

}  // namespace kantor::cuda
