// How the kernels of batch_norm and batch_norm_grad walk [N, C, HW]: sums by channel over blocks that the shape alone
// fixes, and maps with coefficients by channel. For *_cpu.cpp files only; f32.
//
// A vector lies along the plane, or across channels where HW is 1. A term or body gets the offset of its first element,
// how many of its lanes count and how many it loads and stores (n and reach of ops/tails.h), and their coefficients.
#pragma once
#include <algorithm>

#include "ops/batch_norm/channels.h"
#include "ops/tails.h"

namespace kantor::KANTOR_ISA {

inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

struct ChannelBlocks {
  static constexpr int64_t kElements = 8192;  // of a task: a second look at them finds them in a near cache
  static constexpr int64_t kStrip = 64;       // channels of a task, at most
  static constexpr int64_t kDepth = 256;      // samples of a block, at most: what one float lane may add up

  struct Block {
    int64_t index;                   // of its samples and columns: the same for all strips of channels
    int64_t n0, n1, c0, c1, p0, p1;  // samples, channels, columns
    int64_t count() const { return (n1 - n0) * (p1 - p0); }
  };

  Channels shape;
  int64_t depth, width, strip;  // of a block: samples, columns, channels
  int64_t deep, across, strips;

  explicit ChannelBlocks(Channels x) : shape(x) {
    if (x.c == 1) shape = {1, 1, x.n * x.hw};  // all of it lies in a row
    across = ceil_div(shape.hw, kElements);
    width = ceil_div(ceil_div(shape.hw, across), 16) * 16;
    width = across == 1 ? shape.hw : width;
    across = ceil_div(shape.hw, width);
    const int64_t side = std::min(shape.c, kStrip);
    depth = std::clamp<int64_t>(kElements / (width * side), 1, std::min(shape.n, kDepth));
    deep = ceil_div(shape.n, depth);
    strips = ceil_div(shape.c, std::clamp<int64_t>(kElements / (width * depth), 1, side));
    strip = ceil_div(shape.c, strips);
    strips = ceil_div(shape.c, strip);
  }
  int64_t blocks() const { return deep * across; }
  int tasks() const { return static_cast<int>(blocks() * strips); }
  Block block(int64_t index) const {
    const int64_t n = index / across * depth, p = index % across * width;
    return {index, n, std::min(shape.n, n + depth), 0, shape.c, p, std::min(shape.hw, p + width)};
  }
  Block of_task(int task) const {
    Block b = block(task / strips);
    b.c0 = task % strips * strip;
    b.c1 = std::min(shape.c, b.c0 + strip);
    return b;
  }
};

// total[k] += the sum over `steps` vectors, `stride` apart, of what term adds to its k-th sum.
template <int K, class Term>
[[gnu::always_inline]] inline void add_steps(int64_t at, int64_t stride, int64_t steps, int64_t n, Vec center,
                                             Vec (&total)[K], Term term) {
  constexpr int kSums = 4;  // hide the latency of an addition
  Vec sums[kSums][K] = {};
  int64_t i = 0;
  for (; i + kSums <= steps; i += kSums, at += kSums * stride)
    for (int s = 0; s < kSums; ++s) term(at + s * stride, n, n, center, sums[s]);
  for (; i < steps; ++i, at += stride) term(at, n, n, center, sums[0]);
  for (int k = 0; k < K; ++k) total[k] += (sums[0][k] + sums[1][k]) + (sums[2][k] + sums[3][k]);
}

// totals[k][c - c0] = the k-th sum over the block's elements of channel c. term(at, n, reach, center, sum) adds to
// sum[0] .. sum[K - 1] the terms of n elements from at on, each lane with its channel's center (center[c - c0]), and 0 in
// the other lanes.
template <int K, class Term>
inline void sum_block(const Channels& x, const ChannelBlocks::Block& b, const float* center,
                      double (&totals)[K][ChannelBlocks::kStrip], Term term) {
  const int64_t channels = b.c1 - b.c0;
  if (x.hw == 1) {
    for (int64_t c = 0; c < channels; c += kWidth) {
      const int64_t lanes = std::min<int64_t>(kWidth, channels - c), at = b.n0 * x.c + b.c0 + c;
      const Vec centers = load_partial(center + c, lanes);
      Vec total[K] = {};
      if (lanes == kWidth) add_steps(at, x.c, b.n1 - b.n0, kWidth, centers, total, term);
      else add_steps(at, x.c, b.n1 - b.n0, lanes, centers, total, term);
      for (int k = 0; k < K; ++k)
        for (int64_t i = 0; i < lanes; ++i) totals[k][c + i] = static_cast<double>(total[k][i]);
    }
    return;
  }
  Vec total[ChannelBlocks::kStrip][K];
  for (int64_t c = 0; c < channels; ++c)
    for (int k = 0; k < K; ++k) total[c][k] = Vec{};
  const int64_t steps = (b.p1 - b.p0) / kWidth, rest = (b.p1 - b.p0) % kWidth;
  for (int64_t n = b.n0; n < b.n1; ++n) {
    int64_t at = (n * x.c + b.c0) * x.hw + b.p0;
    for (int64_t c = 0; c < channels; ++c, at += x.hw) {
      const Vec centers = broadcast(center[c]);
      add_steps(at, kWidth, steps, kWidth, centers, total[c], term);
      const int64_t last = at + steps * kWidth;
      if (rest == 0) continue;
      if (x.count() - last >= kWidth) term(last, rest, kWidth, centers, total[c]);
      else term(last, rest, rest, centers, total[c]);
    }
  }
  for (int64_t c = 0; c < channels; ++c)
    for (int k = 0; k < K; ++k) totals[k][c] = static_cast<double>(sum(total[c][k]));
}

// body(at, n, reach, coefficients) for every element of [begin, end) of x, in order, each lane with its channel's
// coefficients: coefficient[k][c].
template <int K, class Body>
inline void for_range(const Channels& x, int64_t begin, int64_t end, const float* const (&coefficient)[K], Body body) {
  Vec values[K];
  int64_t at = begin;
  if (x.hw == 1) {
    for (int64_t c = at % x.c; at < end; c = 0) {
      const int64_t stop = std::min(end, at + x.c - c);
      for (; at + kWidth <= stop; at += kWidth, c += kWidth) {
        for (int k = 0; k < K; ++k) values[k] = load(coefficient[k] + c);
        body(at, kWidth, kWidth, values);
      }
      if (at == stop) continue;
      for (int k = 0; k < K; ++k) values[k] = load_partial(coefficient[k] + c, stop - at);
      body(at, stop - at, stop - at, values);
      at = stop;
    }
    return;
  }
  const int64_t plane = at / x.hw;
  int64_t c = plane % x.c;
  for (int64_t stop = (plane + 1) * x.hw; at < end; stop += x.hw, c = c + 1 == x.c ? 0 : c + 1) {
    const int64_t until = std::min(stop, end);
    for (int k = 0; k < K; ++k) values[k] = broadcast(coefficient[k][c]);
    for (; at + kWidth <= until; at += kWidth) body(at, kWidth, kWidth, values);
    if (at == until) continue;
    if (end - at >= kWidth) body(at, until - at, kWidth, values);
    else body(at, until - at, until - at, values);
    at = until;
  }
}

}  // namespace kantor::KANTOR_ISA
