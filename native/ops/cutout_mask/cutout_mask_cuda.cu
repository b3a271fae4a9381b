#include "ops/cutout_mask/cutout_mask.h"

#include "ops/translate/translate.h"
#include "runtime/cuda/device_code.h"

namespace kantor::cuda {

namespace {

struct CutoutArguments {
  const float* u;
  float* out;
  int h, w, count;
  int rows, cols;
};

__device__ inline void cutout_mask(const CutoutArguments& a, unsigned block) {
  int i = static_cast<int>(block) * kBlockThreads + static_cast<int>(threadIdx.x);
  if (i >= a.count) return;
  const float* u = a.u + i / (a.h * a.w) * 2;
  auto first = [](float place, int size, int extent) {
    return static_cast<int>(choose(static_cast<double>(place), size + 1 - extent % 2)) - extent / 2;
  };
  int y = i / a.w % a.h - first(u[0], a.h, a.rows), x = i % a.w - first(u[1], a.w, a.cols);
  a.out[i] = y >= 0 && y < a.rows && x >= 0 && x < a.cols ? 0 : 1;
}

__global__ void cutout_mask_kernel(const int64_t* guard, CutoutArguments a) {
  if (starts(guard)) cutout_mask(a, blockIdx.x);
}

}  // namespace

void enqueue_cutout_mask(const Node& node, Recorder& r) {
  const Tensor& out = node.out[0];
  CutoutArguments a = {node.in[0].f32(),
                       out.f32(),
                       static_cast<int>(out.dims[2]),
                       static_cast<int>(out.dims[3]),
                       extent(node, out.count()),
                       static_cast<int>(node.attributes[0]),
                       static_cast<int>(node.attributes[1])};
  if (a.count > 0) r.launch(cutout_mask_kernel, elementwise(a.count), a);
}

}  // namespace kantor::cuda
