#include "ops/log_sum_exp/log_sum_exp.h"

#include "runtime/cuda/device_code.h"

namespace kantor::cuda {

namespace {

struct LogSumExpArguments {
  const float* x;
  float* out;
  int rows, cols;
};

constexpr int kWarps = kBlockThreads / kWarp;  // of a block: a row each

__device__ inline void log_sum_exp(const LogSumExpArguments& a, unsigned block) {
  int row = static_cast<int>(block) * kWarps + static_cast<int>(threadIdx.x) / kWarp;
  int lane = static_cast<int>(threadIdx.x) % kWarp;
  if (row >= a.rows) return;  // a whole warp
  const float* x = a.x + static_cast<int64_t>(row) * a.cols;
  float largest = -__int_as_float(0x7F800000);
  for (int c = lane; c < a.cols; c += kWarp) largest = x[c] > largest ? x[c] : largest;
  for (int flip = kWarp / 2; flip > 0; flip /= 2) {
    float other = __shfl_xor_sync(~0u, largest, flip);
    largest = other > largest ? other : largest;
  }
  if (!finite(static_cast<double>(largest))) largest = 0;  // the sum then is 0 or infinite, as is right
  double sum = 0;
  for (int c = lane; c < a.cols; c += kWarp) sum += static_cast<double>(expf(x[c] - largest));
  sum = block_sum<kWarp>(sum, static_cast<double*>(nullptr));
  if (lane == 0) a.out[row] = static_cast<float>(static_cast<double>(largest) + log(sum));
}

__global__ void log_sum_exp_kernel(const int64_t* guard, LogSumExpArguments a) {
  if (starts(guard)) log_sum_exp(a, blockIdx.x);
}

}  // namespace

void enqueue_log_sum_exp(const Node& node, Recorder& r) {
  const Tensor& x = node.in[0];
  extent(node, x.count());
  LogSumExpArguments a = {x.f32(), node.out[0].f32(), static_cast<int>(x.dims[0]), static_cast<int>(x.dims[1])};
  r.launch(log_sum_exp_kernel, {static_cast<unsigned>(ceil_div(a.rows, kWarps)), kBlockThreads}, a);
}

}  // namespace kantor::cuda
