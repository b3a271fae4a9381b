#include "ops/translate/translate.h"

#include "runtime/cuda/device_code.h"

namespace kantor::cuda {

namespace {

struct TranslateArguments {
  const float *x, *u;
  float* out;
  int channels, h, w, count;
  int rows, cols, sign;
};

__device__ inline void translate(const TranslateArguments& a, unsigned block) {
  int i = static_cast<int>(block) * kBlockThreads + static_cast<int>(threadIdx.x);
  if (i >= a.count) return;
  int plane = i / (a.h * a.w);
  const float* u = a.u + plane / a.channels * 2;
  auto moved = [&](float place, int most) {
    return a.sign * (static_cast<int>(choose(static_cast<double>(place), 2 * most + 1)) - most);
  };
  int row = i / a.w % a.h - moved(u[0], a.rows), col = i % a.w - moved(u[1], a.cols);
  bool inside = row >= 0 && row < a.h && col >= 0 && col < a.w;
  a.out[i] = inside ? a.x[(plane * a.h + row) * a.w + col] : 0;
}

__global__ void translate_kernel(const int64_t* guard, TranslateArguments a) {
  if (starts(guard)) translate(a, blockIdx.x);
}

}  // namespace

void enqueue_translate(const Node& node, Recorder& r) {
  const Tensor& x = node.in[0];
  int count = extent(node, x.count());
  auto narrow = [](int64_t n) { return static_cast<int>(n); };
  TranslateArguments a = {x.f32(),
                          node.in[1].f32(),
                          node.out[0].f32(),
                          narrow(x.dims[1]),
                          narrow(x.dims[2]),
                          narrow(x.dims[3]),
                          count,
                          narrow(node.attributes[0]),
                          narrow(node.attributes[1]),
                          narrow(node.attributes[2])};
  if (count > 0) r.launch(translate_kernel, elementwise(count), a);
}

}  // namespace kantor::cuda
