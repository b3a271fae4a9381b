#include "ops/max_pool/max_pool.h"

#include "ops/max_pool/planes_device.h"

namespace kantor::cuda {

namespace {

struct MaxPoolArguments {
  const float* x;
  float* values;
  int32_t* argmax;
  DevicePlanes s;
  int kh, kw, sh, sw;
};

// A window a thread.
__device__ inline void max_pool(const MaxPoolArguments& a, unsigned block) {
  int i = own_element(block);
  if (i >= a.s.count * a.s.small()) return;
  const float* plane = a.x + static_cast<int64_t>(i / a.s.small()) * a.s.large();
  int corner = i / a.s.q % a.s.p * a.sh * a.s.w + i % a.s.q * a.sw, best = corner;
  float largest = plane[corner];
  for (int r = 0; r < a.kh; ++r)
    for (int c = 0; c < a.kw; ++c) {
      int at = corner + r * a.s.w + c;
      float value = plane[at];
      if (value > largest || value != value) largest = value, best = at;
    }
  a.values[i] = largest;
  a.argmax[i] = best;
}

__global__ void max_pool_kernel(const int64_t* guard, MaxPoolArguments a) {
  if (starts(guard)) max_pool(a, blockIdx.x);
}

}  // namespace

void enqueue_max_pool(const Node& node, Recorder& r) {
  DevicePlanes s = DevicePlanes::of(node, node.in[0], node.out[0]);
  auto word = [&](size_t k) { return static_cast<int>(std::min<int64_t>(node.attributes[k], INT_MAX / 2)); };
  MaxPoolArguments a = {node.in[0].f32(), node.out[0].f32(), node.out[1].as<int32_t>(), s, word(0), word(1),
                        s.p == 1 ? 0 : word(2), s.q == 1 ? 0 : word(3)};
  r.launch(max_pool_kernel, elementwise(s.count * s.p * s.q), a);
}

}  // namespace kantor::cuda
