#include "ops/layer_norm/layer_norm.h"

#include "runtime/cuda/device_code.h"

namespace kantor::cuda {

namespace {

struct LayerNormArguments {
  const float *x, *gamma, *beta;
  float *y, *mean, *rstd;  // y may be x itself: an element is read and written by one thread
  int cols;
  double eps;
};

// A block a row: mean, then centred squares. parts: places for the two sums.
template <int kThreads>
__device__ inline void layer_norm(const LayerNormArguments& a, unsigned block, double (*parts)[kBlockThreads / kWarp]) {
  const float* x = a.x + static_cast<int64_t>(block) * a.cols;
  float* y = a.y + static_cast<int64_t>(block) * a.cols;
  int first = static_cast<int>(threadIdx.x);
  double sum = 0, squares = 0;
  for (int c = first; c < a.cols; c += kThreads) sum += static_cast<double>(x[c]);
  float mean = static_cast<float>(block_sum<kThreads>(sum, parts[0]) / a.cols);
  for (int c = first; c < a.cols; c += kThreads) {
    double centred = static_cast<double>(x[c] - mean);
    squares += centred * centred;
  }
  float rstd = static_cast<float>(1 / sqrt(block_sum<kThreads>(squares, parts[1]) / a.cols + a.eps));
  for (int c = first; c < a.cols; c += kThreads) y[c] = fmaf((x[c] - mean) * rstd, a.gamma[c], a.beta[c]);
  if (first == 0) {
    a.mean[block] = mean;
    a.rstd[block] = rstd;
  }
}

template <int kThreads>
__global__ void layer_norm_kernel(const int64_t* guard, LayerNormArguments a) {
  using Parts = double[2][kBlockThreads / kWarp];
  KANTOR_SHARED(Parts, parts);
  if (starts(guard)) layer_norm<kThreads>(a, blockIdx.x, parts);
}

}  // namespace

void enqueue_layer_norm(const Node& node, Recorder& r) {
  const Tensor& x = node.in[0];
  extent(node, x.count());
  unsigned rows = static_cast<unsigned>(x.dims[0]);
  LayerNormArguments a = {x.f32(),           node.in[1].f32(),  node.in[2].f32(),
                          node.out[0].f32(), node.out[1].f32(), node.out[2].f32(),
                          static_cast<int>(x.dims[1]), static_cast<double>(node.attribute_f32(0))};
  // A warp is enough for a short row, and needs no barriers to add it up.
  constexpr int kShort = 512;
  if (a.cols <= kShort)
    r.launch(layer_norm_kernel<kWarp>, {rows, kWarp}, a);
  else
    r.launch(layer_norm_kernel<kBlockThreads>, {rows, kBlockThreads}, a);
}

}  // namespace kantor::cuda
