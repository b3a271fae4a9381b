// The phases of the statistics, then x normalised and handed to the epilogue.
#include "ops/batch_norm/batch_norm.h"

#include <memory>

#include "ops/batch_norm/moments.h"
#include "ops/pointwise/pointwise_eval.h"

namespace kantor::KANTOR_ISA {
namespace {

constexpr int64_t kTile = 2048;     // elements handed to the epilogue at a time
constexpr int64_t kTilesATask = 8;

struct Job {
  Moments moments;
  Channels shape;
  const float *x, *gamma, *beta, *mean;
  PwKernel epilogue;
  float* copy;  // where y goes if the epilogue only stores it
  size_t scale_at, shift_at;

  float* scale(std::byte* scratch) const { return reinterpret_cast<float*>(scratch + scale_at); }
  float* shift(std::byte* scratch) const { return reinterpret_cast<float*>(scratch + shift_at); }
};

void combine(const Job& job, int task, std::byte* scratch) {
  job.moments.combine(task, scratch, [&job, scratch](int64_t at, double mean, double rstd) {
    const double scale = static_cast<double>(job.gamma[at]) * rstd;
    job.scale(scratch)[at] = static_cast<float>(scale);
    // What rounding the mean loses would count where the mean is far larger than the deviation.
    const double lost = static_cast<double>(job.mean[at]) - mean;
    job.shift(scratch)[at] = static_cast<float>(static_cast<double>(job.beta[at]) + lost * scale);
  });
}

// y of elements [begin, end), to y[0] on.
void normalise(const Job& job, int64_t begin, int64_t end, float* y, std::byte* scratch) {
  const float* const coefficients[] = {job.mean, job.scale(scratch), job.shift(scratch)};
  for_range(job.shape, begin, end, coefficients,
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
  size_t position = 1;
  const PwProgram program = PwProgram::decode(node, &position, 3, 3, true);
  const bool copies =
      program.code.size() == 2 && program.code[0].op == Pw::accumulator && program.code[1].op == Pw::store;
  const size_t channels = static_cast<size_t>(shape.c);
  auto job = std::make_shared<const Job>(Job{
      .moments = Moments(node.in[0], node.attribute_f32(0), node.out.data(), plan),
      .shape = shape,
      .x = node.in[0].f32(),
      .gamma = node.in[1].f32(),
      .beta = node.in[2].f32(),
      .mean = node.out[0].f32(),
      .epilogue = PwKernel(program, node.in.data() + 3, node.out.data() + 3, {.flatten = true}),
      .copy = copies ? node.out[3].f32() : nullptr,
      .scale_at = plan.scratch(channels * sizeof(float)),
      .shift_at = plan.scratch(channels * sizeof(float)),
  });
  plan.phase(job->moments.tasks(), [job](int task, std::byte* scratch) { job->moments.measure(task, scratch); });
  plan.phase(job->moments.combine_tasks(), [job](int task, std::byte* scratch) { combine(*job, task, scratch); });
  plan.phase(static_cast<int>(finish_tasks(*job)),
             [job](int task, std::byte* scratch) { finish(*job, task, scratch); });
}

}  // namespace kantor::KANTOR_ISA
