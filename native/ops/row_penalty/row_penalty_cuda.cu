#include "ops/row_penalty/row_penalty.h"

#include "runtime/cuda/device_code.h"

namespace kantor::cuda {

namespace {

struct PenaltyArguments {
  const float* g;  // the gradient of the penalty may be this itself: a block reads its row before it writes it
  float *penalty, *gradient, *norms;
  double* squares;  // of the rows' excesses
  unsigned* ticket;
  int rows, cols;
  double weight, center;
  bool one_sided;
};

// A block a row; the last to finish adds up the penalty.
template <int kThreads>
__device__ inline void row_penalty(const PenaltyArguments& a, unsigned block, double* parts, bool& flag) {
  const float* g = a.g + static_cast<int64_t>(block) * a.cols;
  float* gradient = a.gradient + static_cast<int64_t>(block) * a.cols;
  double mine = 0;
  for (int c = static_cast<int>(threadIdx.x); c < a.cols; c += kThreads)
    mine += static_cast<double>(g[c]) * static_cast<double>(g[c]);
  double norm = sqrt(block_sum<kThreads>(mine, parts)), excess = norm - a.center;
  if (a.one_sided && excess < 0) excess = 0;
  double factor = norm == 0 ? 0 : 2 * a.weight / a.rows * excess / norm;
  for (int c = static_cast<int>(threadIdx.x); c < a.cols; c += kThreads)
    gradient[c] = static_cast<float>(factor * static_cast<double>(g[c]));
  if (threadIdx.x == 0) {
    a.norms[block] = static_cast<float>(norm);
    a.squares[block] = excess * excess;
  }
  if (!last_block(a.ticket, static_cast<unsigned>(a.rows), flag)) return;
  double sum = 0;
  for (int r = static_cast<int>(threadIdx.x); r < a.rows; r += kThreads) sum += a.squares[r];
  sum = block_sum<kThreads>(sum, parts);
  if (threadIdx.x == 0) *a.penalty = static_cast<float>(a.weight * sum / a.rows);
}

template <int kThreads>
__global__ void row_penalty_kernel(const int64_t* guard, PenaltyArguments a) {
  KANTOR_SHARED(double[kBlockThreads / kWarp], parts);
  KANTOR_SHARED(bool, flag);
  if (!held(guard)) row_penalty<kThreads>(a, blockIdx.x, parts, flag);
}

}  // namespace

void enqueue_row_penalty(const Node& node, Recorder& r) {
  const Tensor& g = node.in[0];
  extent(node, g.count());
  int rows = static_cast<int>(g.dims[0]);
  PenaltyArguments a = {g.f32(), node.out[0].f32(), node.out[1].f32(), node.out[2].f32(), r.scratch<double>(rows),
                        r.tickets(1), rows, static_cast<int>(g.dims[1]), static_cast<double>(node.attribute_f32(0)),
                        static_cast<double>(node.attribute_f32(1)), node.attributes[2] != 0};
  // A warp is enough for a short row, and needs no barriers to add it up.
  constexpr int kShort = 512;
  if (a.cols <= kShort)
    r.launch(row_penalty_kernel<kWarp>, {static_cast<unsigned>(rows), kWarp}, a);
  else
    r.launch(row_penalty_kernel<kBlockThreads>, {static_cast<unsigned>(rows), kBlockThreads}, a);
}

}  // namespace kantor::cuda
