// The sums of columns come first, in a kernel of their own, since dx may take the place of dy.
#include "ops/layer_norm_grad/layer_norm_grad.h"

#include "runtime/cuda/device_code.h"

namespace kantor::cuda {

namespace {

constexpr int kColumns = 32, kLanes = kBlockThreads / kColumns;  // of a block; lanes share its rows
constexpr int kLaneRows = 32;                                    // at most, of a lane

struct LayerNormGradArguments {
  const float *dy, *x, *gamma, *mean, *rstd;
  float *dx, *dgamma, *dbeta;
  double* partial;    // [2, parts, cols], where there are several parts
  unsigned* tickets;  // one for kColumns columns
  int rows, cols, parts;
};

// Block tile * parts + part adds part `part` of the rows of its columns.
__device__ inline void sum_columns(const LayerNormGradArguments& a, unsigned block, double (*lanes)[kLanes][kColumns],
                                   bool& flag) {
  int tile = static_cast<int>(block) / a.parts, part = static_cast<int>(block) % a.parts;
  int lane = static_cast<int>(threadIdx.x) / kColumns, column = static_cast<int>(threadIdx.x) % kColumns;
  int col = tile * kColumns + column, end = min(a.rows, (part + 1) * kLanes * kLaneRows);
  float weighted = 0, plain = 0;
  if (col < a.cols)
    for (int row = part * kLanes * kLaneRows + lane; row < end; row += kLanes) {
      float dy = a.dy[row * a.cols + col];
      weighted = fmaf(dy, (a.x[row * a.cols + col] - a.mean[row]) * a.rstd[row], weighted);
      plain += dy;
    }
  lanes[0][lane][column] = static_cast<double>(weighted);
  lanes[1][lane][column] = static_cast<double>(plain);
  __syncthreads();
  bool leads = lane == 0 && col < a.cols;
  double sums[2] = {0, 0};
  for (int k = 0; k < 2 && leads; ++k)
    for (int l = 0; l < kLanes; ++l) sums[k] += lanes[k][l][column];
  if (a.parts > 1) {
    for (int k = 0; k < 2 && leads; ++k) a.partial[(k * a.parts + part) * a.cols + col] = sums[k];
    __syncwarp();  // those that lead are in the warp of thread 0
    if (!last_block(a.tickets + tile, static_cast<unsigned>(a.parts), flag)) return;
    for (int k = 0; k < 2 && leads; ++k) {
      sums[k] = 0;
      for (int i = 0; i < a.parts; ++i) sums[k] += a.partial[(k * a.parts + i) * a.cols + col];
    }
  }
  if (!leads) return;
  a.dgamma[col] = static_cast<float>(sums[0]);
  a.dbeta[col] = static_cast<float>(sums[1]);
}

__global__ void layer_norm_sums_kernel(const int64_t* guard, LayerNormGradArguments a) {
  using Lanes = double[2][kLanes][kColumns];
  KANTOR_SHARED(Lanes, lanes);
  KANTOR_SHARED(bool, flag);
  if (starts(guard)) sum_columns(a, blockIdx.x, lanes, flag);
}

// A block a row. parts: places for the two sums. An element of dy is read and, as dx, written by one thread.
template <int kThreads>
__device__ inline void layer_norm_grad(const LayerNormGradArguments& a, unsigned block,
                                       double (*parts)[kBlockThreads / kWarp]) {
  int64_t start = static_cast<int64_t>(block) * a.cols;
  const float *dy = a.dy + start, *x = a.x + start;
  float *dx = a.dx + start, mean = a.mean[block], rstd = a.rstd[block];
  int first = static_cast<int>(threadIdx.x);
  double plain = 0, weighted = 0;
  for (int c = first; c < a.cols; c += kThreads) {
    float h = dy[c] * a.gamma[c];
    plain += static_cast<double>(h);
    weighted += static_cast<double>(h * ((x[c] - mean) * rstd));
  }
  float mean_h = static_cast<float>(block_sum<kThreads>(plain, parts[0]) / a.cols);
  float mean_hx = static_cast<float>(block_sum<kThreads>(weighted, parts[1]) / a.cols);
  for (int c = first; c < a.cols; c += kThreads)
    dx[c] = rstd * (dy[c] * a.gamma[c] - mean_h - (x[c] - mean) * rstd * mean_hx);
}

template <int kThreads>
__global__ void layer_norm_grad_kernel(const int64_t* guard, LayerNormGradArguments a) {
  using Parts = double[2][kBlockThreads / kWarp];
  KANTOR_SHARED(Parts, parts);
  if (starts(guard)) layer_norm_grad<kThreads>(a, blockIdx.x, parts);
}

}  // namespace

void enqueue_layer_norm_grad(const Node& node, Recorder& r) {
  const Tensor& dy = node.in[0];
  extent(node, dy.count());
  LayerNormGradArguments a = {};
  a.dy = dy.f32(), a.x = node.in[1].f32(), a.gamma = node.in[2].f32();
  a.mean = node.in[3].f32(), a.rstd = node.in[4].f32();
  a.dx = node.out[0].f32(), a.dgamma = node.out[1].f32(), a.dbeta = node.out[2].f32();
  a.rows = static_cast<int>(dy.dims[0]), a.cols = static_cast<int>(dy.dims[1]);
  a.parts = ceil_div(a.rows, kLanes * kLaneRows);
  int tiles = ceil_div(a.cols, kColumns);
  if (a.parts > 1) {
    a.partial = r.scratch<double>(int64_t{2} * a.parts * a.cols);
    a.tickets = r.tickets(tiles);
  }
  r.launch(layer_norm_sums_kernel, {static_cast<unsigned>(tiles * a.parts), kBlockThreads}, a);
  constexpr int kShort = 512;  // as in layer_norm
  unsigned rows = static_cast<unsigned>(a.rows);
  if (a.cols <= kShort)
    r.launch(layer_norm_grad_kernel<kWarp>, {rows, kWarp}, a);
  else
    r.launch(layer_norm_grad_kernel<kBlockThreads>, {rows, kBlockThreads}, a);
}

}  // namespace kantor::cuda
