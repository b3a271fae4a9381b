// Mean and variance of each channel: the sum and the centred squares of each block, centred by the mean of a sample of
// it; then the blocks combined (Chan et al. 1979). For *_cpu.cpp files only; f32.
#pragma once
#include <cmath>

#include "ops/batch_norm/channel_blocks.h"

namespace kantor::KANTOR_ISA {

class Moments {
 public:
  // out: mean, rstd and the biased variance.
  Moments(const Tensor& x, float eps, const Tensor* out, Plan& plan)
      : blocks_(Channels::of(x)),
        count_(static_cast<double>(blocks_.shape.n * blocks_.shape.hw)),
        eps_(static_cast<double>(eps)),
        x_(x.f32()),
        mean_(out[0].f32()),
        rstd_(out[1].f32()),
        variance_(out[2].f32()),
        partial_at_(plan.scratch(static_cast<size_t>(blocks_.blocks() * 2 * blocks_.shape.c) * sizeof(double))) {}

  int tasks() const { return blocks_.tasks(); }
  int combine_tasks() const { return static_cast<int>(ceil_div(blocks_.shape.c, ChannelBlocks::kStrip)); }

  void measure(int task, std::byte* scratch) const {
    const ChannelBlocks::Block b = blocks_.of_task(task), sample = sample_of(b);
    const float* x = x_;
    const int64_t channels = blocks_.shape.c;
    double sampled[1][ChannelBlocks::kStrip], sums[2][ChannelBlocks::kStrip];
    float center[ChannelBlocks::kStrip] = {};
    sum_block<1>(blocks_.shape, sample, center, sampled,
                 [x](int64_t at, int64_t n, int64_t reach, Vec, Vec (&sum)[1])
                     __attribute__((always_inline)) { sum[0] += first_lanes(load_first(x + at, reach), n); });
    for (int64_t c = 0; c < b.c1 - b.c0; ++c) {
      const float mean = static_cast<float>(sampled[0][c] / static_cast<double>(sample.count()));
      center[c] = std::isfinite(mean) ? mean : 0;
    }
    sum_block<2>(blocks_.shape, b, center, sums,
                 [x](int64_t at, int64_t n, int64_t reach, Vec middle, Vec (&sum)[2]) __attribute__((always_inline)) {
                   const Vec centred = first_lanes(load_first(x + at, reach) - middle, n);
                   sum[0] += centred;
                   sum[1] = fma(centred, centred, sum[1]);
                 });
    double* to = partial(scratch, b.index);
    const double count = static_cast<double>(b.count());
    for (int64_t c = 0; c < b.c1 - b.c0; ++c) {
      const double squares = sums[1][c] - sums[0][c] * sums[0][c] / count;
      to[b.c0 + c] = static_cast<double>(center[c]) * count + sums[0][c];
      to[channels + b.c0 + c] = squares < 0 ? 0 : squares;
    }
  }

  // Stores the statistics of some channels, and calls use(channel, mean, rstd) with all the digits for each.
  template <class Use>
  void combine(int task, std::byte* scratch, Use use) const {
    const int64_t channels = blocks_.shape.c, first = task * ChannelBlocks::kStrip;
    const int64_t n = std::min(ChannelBlocks::kStrip, channels - first);
    double mean[ChannelBlocks::kStrip] = {}, squares[ChannelBlocks::kStrip] = {};
    for (int64_t block = 0; block < blocks_.blocks(); ++block) {
      const double* sums = partial(scratch, block) + first;
      for (int64_t c = 0; c < n; ++c) mean[c] += sums[c];
    }
    for (int64_t c = 0; c < n; ++c) mean[c] /= count_;
    for (int64_t block = 0; block < blocks_.blocks(); ++block) {
      const double* sums = partial(scratch, block) + first;
      const double count = static_cast<double>(blocks_.block(block).count()), inverse = 1 / count;
      for (int64_t c = 0; c < n; ++c) {
        const double apart = sums[c] * inverse - mean[c];
        squares[c] += sums[channels + c] + count * (apart * apart);
      }
    }
    for (int64_t c = 0; c < n; ++c) {
      const int64_t at = first + c;
      const double variance = squares[c] / count_, rstd = 1 / std::sqrt(variance + eps_);
      mean_[at] = static_cast<float>(mean[c]);
      rstd_[at] = static_cast<float>(rstd);
      variance_[at] = static_cast<float>(variance);
      use(at, mean[c], rstd);
    }
  }

 private:
  // An eighth of the block. With s of n elements in the sample, the mean lies at most sqrt(n / s) deviations from
  // theirs, so centring by it loses three bits of the squares at worst.
  static ChannelBlocks::Block sample_of(ChannelBlocks::Block b) {
    if (b.n1 - b.n0 > 1) b.n1 = b.n0 + ceil_div(b.n1 - b.n0, 8);
    else b.p1 = b.p0 + ceil_div(b.p1 - b.p0, 8);
    return b;
  }

  // A block's sums of all channels, then their centred squares.
  double* partial(std::byte* scratch, int64_t block) const {
    return reinterpret_cast<double*>(scratch + partial_at_) + block * 2 * blocks_.shape.c;
  }

  ChannelBlocks blocks_;
  double count_, eps_;  // of a channel's elements
  const float* x_;
  float *mean_, *rstd_, *variance_;
  size_t partial_at_;
};

}  // namespace kantor::KANTOR_ISA
