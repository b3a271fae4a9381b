#include "ops/batch_norm_grad/batch_norm_grad.h"

#include <memory>

#include "ops/batch_norm/channel_blocks.h"

namespace kantor::KANTOR_ISA {
namespace {

constexpr int64_t kTaskElements = 16384;  // of dx

struct Job {
  ChannelBlocks blocks;
  double count;  // of a channel's elements
  const float *dy, *x, *gamma, *mean, *rstd;
  float *dx, *dgamma, *dbeta;
  size_t partial_at;       // by block: the sums of dy of all channels, then of dy * (x - mean), as doubles
  size_t coefficients_at;  // dx = a * ((dy - b) + (x - mean) * c): all a, all b, all c

  double* partial(std::byte* scratch, int64_t block) const {
    return reinterpret_cast<double*>(scratch + partial_at) + block * 2 * blocks.shape.c;
  }
  float* coefficients(std::byte* scratch, int k) const {
    return reinterpret_cast<float*>(scratch + coefficients_at) + k * blocks.shape.c;
  }
};

void sum_gradients(const Job& job, int task, std::byte* scratch) {
  const ChannelBlocks::Block b = job.blocks.of_task(task);
  double sums[2][ChannelBlocks::kStrip];
  sum_block<2>(job.blocks.shape, b, job.mean + b.c0, sums,
               [dy = job.dy, x = job.x](int64_t at, int64_t n, int64_t reach, Vec mean, Vec (&sum)[2])
                   __attribute__((always_inline)) {
                     const Vec g = first_lanes(load_first(dy + at, reach), n);
                     sum[0] += g;
                     sum[1] = fma(g, first_lanes(load_first(x + at, reach) - mean, n), sum[1]);
                   });
  double* partial = job.partial(scratch, b.index);
  for (int k = 0; k < 2; ++k)
    for (int64_t c = b.c0; c < b.c1; ++c) partial[k * job.blocks.shape.c + c] = sums[k][c - b.c0];
}

void combine(const Job& job, int task, std::byte* scratch) {
  const int64_t channels = job.blocks.shape.c, first = task * ChannelBlocks::kStrip;
  const int64_t n = std::min(ChannelBlocks::kStrip, channels - first);
  double dbeta[ChannelBlocks::kStrip] = {}, dgamma[ChannelBlocks::kStrip] = {};
  for (int64_t block = 0; block < job.blocks.blocks(); ++block) {
    const double* sums = job.partial(scratch, block) + first;
    for (int64_t c = 0; c < n; ++c) dbeta[c] += sums[c];
    for (int64_t c = 0; c < n; ++c) dgamma[c] += sums[channels + c];
  }
  for (int64_t c = 0; c < n; ++c) {
    const int64_t at = first + c;
    const double rstd = static_cast<double>(job.rstd[at]), a = static_cast<double>(job.gamma[at]) * rstd;
    dgamma[c] *= rstd;
    job.dgamma[at] = static_cast<float>(dgamma[c]);
    job.dbeta[at] = static_cast<float>(dbeta[c]);
    job.coefficients(scratch, 0)[at] = static_cast<float>(a);
    job.coefficients(scratch, 1)[at] = static_cast<float>(dbeta[c] / job.count);
    job.coefficients(scratch, 2)[at] = static_cast<float>(-rstd * dgamma[c] / job.count);
  }
}

void finish(const Job& job, int task, std::byte* scratch) {
  const int64_t begin = task * kTaskElements, end = std::min(job.blocks.shape.count(), begin + kTaskElements);
  const float* const coefficients[] = {job.coefficients(scratch, 0), job.coefficients(scratch, 1),
                                       job.coefficients(scratch, 2), job.mean};
  for_range(job.blocks.shape, begin, end, coefficients,
            [dy = job.dy, x = job.x, dx = job.dx](int64_t at, int64_t n, int64_t reach, const Vec (&k)[4])
                __attribute__((always_inline)) {
                  const Vec g = load_first(dy + at, reach);
                  const Vec result = k[0] * fma(k[2], load_first(x + at, reach) - k[3], g - k[1]);
                  // dx may be dy: what is still to be read stays.
                  store_first(dx + at, first_lanes(result, n, g), reach);
                });
}

}  // namespace

void prepare_batch_norm_grad(const Node& node, Plan& plan) {
  const Channels shape = Channels::of(node.in[1]);
  const ChannelBlocks blocks(shape);
  const size_t channels = static_cast<size_t>(shape.c);
  auto job = std::make_shared<const Job>(Job{
      .blocks = blocks,
      .count = static_cast<double>(shape.n * shape.hw),
      .dy = node.in[0].f32(),
      .x = node.in[1].f32(),
      .gamma = node.in[2].f32(),
      .mean = node.in[3].f32(),
      .rstd = node.in[4].f32(),
      .dx = node.out[0].f32(),
      .dgamma = node.out[1].f32(),
      .dbeta = node.out[2].f32(),
      .partial_at = plan.scratch(static_cast<size_t>(blocks.blocks()) * 2 * channels * sizeof(double)),
      .coefficients_at = plan.scratch(3 * channels * sizeof(float)),
  });
  plan.phase(blocks.tasks(), [job](int task, std::byte* scratch) { sum_gradients(*job, task, scratch); });
  plan.phase(static_cast<int>(ceil_div(shape.c, ChannelBlocks::kStrip)),
             [job](int task, std::byte* scratch) { combine(*job, task, scratch); });
  plan.phase(static_cast<int>(ceil_div(shape.count(), kTaskElements)),
             [job](int task, std::byte* scratch) { finish(*job, task, scratch); });
}

}  // namespace kantor::KANTOR_ISA
