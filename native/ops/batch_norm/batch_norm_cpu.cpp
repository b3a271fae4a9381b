// Three phases: the sum and the centred squares of each block, centred by the mean of a sample of it; the blocks
// combined; x normalised and handed to the epilogue.
#include "ops/batch_norm/batch_norm.h"

#include <cmath>
#include <memory>

#include "ops/batch_norm/channel_blocks.h"
#include "ops/pointwise/pointwise_eval.h"

namespace kantor::KANTOR_ISA {
namespace {

constexpr int64_t kTile = 2048;     // elements handed to the epilogue at a time
constexpr int64_t kTilesATask = 8;

struct Job {
  ChannelBlocks blocks;
  double count, eps;  // of a channel's elements
  const float *x, *gamma, *beta;
  float *mean, *rstd, *variance;
  PwKernel epilogue;
  float* copy;        // where y goes if the epilogue only stores it
  size_t partial_at;  // by block: the sums of all channels, then their centred squares, as doubles
  size_t scale_at, shift_at;

  double* partial(std::byte* scratch, int64_t block) const {
    return reinterpret_cast<double*>(scratch + partial_at) + block * 2 * blocks.shape.c;
  }
  float* scale(std::byte* scratch) const { return reinterpret_cast<float*>(scratch + scale_at); }
  float* shift(std::byte* scratch) const { return reinterpret_cast<float*>(scratch + shift_at); }
};

// An eighth of the block. With s of n elements in the sample, the mean lies at most sqrt(n / s) deviations from theirs,
// so centring by it loses three bits of the squares at worst.
ChannelBlocks::Block sample_of(ChannelBlocks::Block b) {
  if (b.n1 - b.n0 > 1) b.n1 = b.n0 + ceil_div(b.n1 - b.n0, 8);
  else b.p1 = b.p0 + ceil_div(b.p1 - b.p0, 8);
  return b;
}

void measure(const Job& job, int task, std::byte* scratch) {
  const ChannelBlocks::Block b = job.blocks.of_task(task), sample = sample_of(b);
  const float* x = job.x;
  const int64_t channels = job.blocks.shape.c;
  double sampled[1][ChannelBlocks::kStrip], sums[2][ChannelBlocks::kStrip];
  float center[ChannelBlocks::kStrip] = {};
  sum_block<1>(job.blocks.shape, sample, center, sampled,
               [x](int64_t at, int64_t n, int64_t reach, Vec, Vec (&sum)[1])
                   __attribute__((always_inline)) { sum[0] += first_lanes(load_first(x + at, reach), n); });
  for (int64_t c = 0; c < b.c1 - b.c0; ++c) {
    const float mean = static_cast<float>(sampled[0][c] / static_cast<double>(sample.count()));
    center[c] = std::isfinite(mean) ? mean : 0;
  }
  sum_block<2>(job.blocks.shape, b, center, sums,
               [x](int64_t at, int64_t n, int64_t reach, Vec middle, Vec (&sum)[2]) __attribute__((always_inline)) {
                 const Vec centred = first_lanes(load_first(x + at, reach) - middle, n);
                 sum[0] += centred;
                 sum[1] = fma(centred, centred, sum[1]);
               });
  double* partial = job.partial(scratch, b.index);
  const double count = static_cast<double>(b.count());
  for (int64_t c = 0; c < b.c1 - b.c0; ++c) {
    const double squares = sums[1][c] - sums[0][c] * sums[0][c] / count;
    partial[b.c0 + c] = static_cast<double>(center[c]) * count + sums[0][c];
    partial[channels + b.c0 + c] = squares < 0 ? 0 : squares;
  }
}

void combine(const Job& job, int task, std::byte* scratch) {
  const int64_t channels = job.blocks.shape.c, first = task * ChannelBlocks::kStrip;
  const int64_t n = std::min(ChannelBlocks::kStrip, channels - first);
  double mean[ChannelBlocks::kStrip] = {}, squares[ChannelBlocks::kStrip] = {};
  for (int64_t block = 0; block < job.blocks.blocks(); ++block) {
    const double* sums = job.partial(scratch, block) + first;
    for (int64_t c = 0; c < n; ++c) mean[c] += sums[c];
  }
  for (int64_t c = 0; c < n; ++c) mean[c] /= job.count;
  for (int64_t block = 0; block < job.blocks.blocks(); ++block) {
    const double* sums = job.partial(scratch, block) + first;
    const double count = static_cast<double>(job.blocks.block(block).count()), inverse = 1 / count;
    for (int64_t c = 0; c < n; ++c) {
      const double apart = sums[c] * inverse - mean[c];
      squares[c] += sums[channels + c] + count * (apart * apart);
    }
  }
  for (int64_t c = 0; c < n; ++c) {
    const int64_t at = first + c;
    const double variance = squares[c] / job.count, rstd = 1 / std::sqrt(variance + job.eps);
    const double scale = static_cast<double>(job.gamma[at]) * rstd;
    job.mean[at] = static_cast<float>(mean[c]);
    job.rstd[at] = static_cast<float>(rstd);
    job.variance[at] = static_cast<float>(variance);
    job.scale(scratch)[at] = static_cast<float>(scale);
    // What rounding the mean loses would count where the mean is far larger than the deviation.
    const double lost = static_cast<double>(job.mean[at]) - mean[c];
    job.shift(scratch)[at] = static_cast<float>(static_cast<double>(job.beta[at]) + lost * scale);
  }
}

// y of elements [begin, end), to y[0] on.
void normalise(const Job& job, int64_t begin, int64_t end, float* y, std::byte* scratch) {
  const float* const coefficients[] = {job.mean, job.scale(scratch), job.shift(scratch)};
  for_range(job.blocks.shape, begin, end, coefficients,
            [x = job.x, y, begin](int64_t at, int64_t, int64_t reach, const Vec (&k)[3])
                __attribute__((always_inline)) {
                  store_first(y + (at - begin), fma(load_first(x + at, reach) - k[0], k[1], k[2]), reach);
                });
}

// Whole rows of the epilogue's domain, or a piece of one: either way elements that lie side by side.
void finish(const Job& job, int task, std::byte* scratch) {
  const int64_t rows = job.epilogue.rows(), cols = job.epilogue.cols();
  if (job.copy != nullptr) {
    const int64_t begin = task * kTile * kTilesATask, end = std::min(rows * cols, begin + kTile * kTilesATask);
    return normalise(job, begin, end, job.copy + begin, scratch);
  }
  const int64_t across = ceil_div(cols, kTile), height = std::max<int64_t>(1, kTile / cols);
  const int64_t tiles = across * ceil_div(rows, height);
  alignas(64) float y[kTile];
  for (int64_t tile = task * kTilesATask; tile < std::min(tiles, (task + 1) * kTilesATask); ++tile) {
    const int64_t row = tile / across * height, col = tile % across * kTile;
    const PwKernel::Area area{row, std::min(height, rows - row), col, std::min(kTile, cols - col)};
    const int64_t begin = row * cols + col;
    normalise(job, begin, begin + area.rows * area.cols, y, scratch);
    job.epilogue.run(area, y, area.cols);
  }
}

int64_t finish_tasks(const Job& job) {
  const int64_t rows = job.epilogue.rows(), cols = job.epilogue.cols();
  if (job.copy != nullptr) return ceil_div(rows * cols, kTile * kTilesATask);
  return ceil_div(ceil_div(cols, kTile) * ceil_div(rows, std::max<int64_t>(1, kTile / cols)), kTilesATask);
}

}  // namespace

void prepare_batch_norm(const Node& node, Plan& plan) {
  const Channels shape = Channels::of(node.in[0]);
  const ChannelBlocks blocks(shape);
  size_t position = 1;
  const PwProgram program = PwProgram::decode(node, &position, 3, 3, true);
  const bool copies =
      program.code.size() == 2 && program.code[0].op == Pw::accumulator && program.code[1].op == Pw::store;
  const size_t channels = static_cast<size_t>(shape.c);
  auto job = std::make_shared<const Job>(Job{
      .blocks = blocks,
      .count = static_cast<double>(shape.n * shape.hw),
      .eps = static_cast<double>(node.attribute_f32(0)),
      .x = node.in[0].f32(),
      .gamma = node.in[1].f32(),
      .beta = node.in[2].f32(),
      .mean = node.out[0].f32(),
      .rstd = node.out[1].f32(),
      .variance = node.out[2].f32(),
      .epilogue = PwKernel(program, node.in.data() + 3, node.out.data() + 3, {.flatten = true}),
      .copy = copies ? node.out[3].f32() : nullptr,
      .partial_at = plan.scratch(static_cast<size_t>(blocks.blocks()) * 2 * channels * sizeof(double)),
      .scale_at = plan.scratch(channels * sizeof(float)),
      .shift_at = plan.scratch(channels * sizeof(float)),
  });
  plan.phase(blocks.tasks(), [job](int task, std::byte* scratch) { measure(*job, task, scratch); });
  plan.phase(static_cast<int>(ceil_div(shape.c, ChannelBlocks::kStrip)),
             [job](int task, std::byte* scratch) { combine(*job, task, scratch); });
  plan.phase(static_cast<int>(finish_tasks(*job)),
             [job](int task, std::byte* scratch) { finish(*job, task, scratch); });
}

}  // namespace kantor::KANTOR_ISA
