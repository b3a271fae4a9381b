#include "ops/avg_pool/avg_pool.h"

#include "ops/max_pool/planes_device.h"

namespace kantor::cuda {

namespace {

struct AvgPoolArguments {
  const float* x;
  float* out;
  DevicePlanes s;
  int kh, kw;
  float factor;
};

// A window a thread: the sum of each row, then of the rows, so that the sums stay short.
__device__ inline void avg_pool(const AvgPoolArguments& a, unsigned block) {
  int i = own_element(block);
  if (i >= a.s.count * a.s.small()) return;
  int p = i / a.s.q % a.s.p, q = i % a.s.q;
  const float* window = a.x + static_cast<int64_t>(i / a.s.small()) * a.s.large() + p * a.kh * a.s.w + q * a.kw;
  float sum = 0;
  for (int r = 0; r < a.kh; ++r) {
    float row = 0;
    for (int c = 0; c < a.kw; ++c) row += window[r * a.s.w + c];
    sum += row;
  }
  a.out[i] = a.factor * sum;
}

__global__ void avg_pool_kernel(const int64_t* guard, AvgPoolArguments a) {
  if (starts(guard)) avg_pool(a, blockIdx.x);
}

}  // namespace

void enqueue_avg_pool(const Node& node, Recorder& r) {
  DevicePlanes s = DevicePlanes::of(node, node.in[0], node.out[0]);
  AvgPoolArguments a = {node.in[0].f32(), node.out[0].f32(), s, static_cast<int>(node.attributes[0]),
                        static_cast<int>(node.attributes[1]), node.attribute_f32(2)};
  r.launch(avg_pool_kernel, elementwise(s.count * s.p * s.q), a);
}

}  // namespace kantor::cuda
