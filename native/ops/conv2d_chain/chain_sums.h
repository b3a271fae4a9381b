// A layer of a chain by its plain sums, whatever its kernel. A tile is some pixels of a row by one or two vectors of output
// channels; a term of the sums takes a vector of weights and, for each pixel, one element of the source.
#pragma once
#include <array>
#include <utility>
#include <vector>

#include "ops/conv2d_chain/chain_stage.h"
#include "runtime/op.h"

namespace kantor::KANTOR_ISA {
namespace {

// The most pixels of a tile of so many vectors of channels: their sums, weights and an element stay in registers.
constexpr int kSumVectors = 2;
constexpr int sum_pixels(int vectors) { return std::min(14, (kRegisterCount - 4) / vectors); }

struct SumTask {
  const float* weight;     // of vector v and term t, from v * weight_stride + t * kWidth on
  int64_t weight_stride;
  const float* source;     // of pixel j and term t: terms[t] + j * step
  const std::vector<int64_t>& terms;
  int64_t step;
  const ChainFinish& finish;
  int64_t channel;         // the first
  float* to;               // of vector v and pixel j: v * to_stride + j * width
  int64_t to_stride, width;
};
using SumFunction = void (*)(const SumTask&);

template <int V, int P>
void pixel_sums(const SumTask& z) {
  Vec sum[P][V];
#pragma GCC unroll 2
  for (int v = 0; v < V; ++v) {
    const Vec bias = z.finish.bias(z.channel + v * kWidth);
#pragma GCC unroll 16
    for (int j = 0; j < P; ++j) sum[j][v] = bias;
  }
  const float* weight = z.weight;
  for (const int64_t term : z.terms) {
    const float* source = z.source + term;
    Vec w[V];
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) w[v] = load(weight + v * z.weight_stride);
#pragma GCC unroll 16
    for (int j = 0; j < P; ++j) {
      const Vec x = broadcast(source[j * z.step]);
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) sum[j][v] = fma(w[v], x, sum[j][v]);
    }
    weight += kWidth;
  }
  z.finish.choose([&](auto activation) {
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) {
      float* to = z.to + v * z.to_stride;
      if (z.width == kWidth) {
#pragma GCC unroll 16
        for (int j = 0; j < P; ++j) store(to + j * kWidth, activation(sum[j][v]));
      } else {
        for (int j = 0; j < P; ++j) store_partial(to + j * z.width, activation(sum[j][v]), z.width);
      }
    }
  });
}

template <int V, size_t... Pixels>
constexpr std::array<SumFunction, sizeof...(Pixels)> sum_functions(std::index_sequence<Pixels...>) {
  return {pixel_sums<V, static_cast<int>(Pixels) + 1>...};
}
inline SumFunction sum_function(int64_t vectors, int64_t pixels) {
  static constexpr auto one = sum_functions<1>(std::make_index_sequence<sum_pixels(1)>());
  static constexpr auto two = sum_functions<2>(std::make_index_sequence<sum_pixels(2)>());
  const size_t index = static_cast<size_t>(pixels - 1);
  return vectors == 1 ? one[index] : two[index];
}

class ChainSums final : public ChainStage {
 public:
  ChainSums(const ConvShape& shape, const float* weight, const ChainFinish& finish, const Lines& in, const Lines& out,
            Plan& plan)
      : z_(shape), weight_(weight), finish_(finish), in_(in), out_(out), vectors_(ceil_div(z_.o, kWidth), kSumVectors) {
    for (int64_t c = 0; c < z_.c; ++c)
      for (int64_t r = 0; r < z_.r; ++r)
        for (int64_t s = 0; s < z_.s; ++s)
          terms_.push_back(in.channel(c) + r * z_.dh * in.pitch() + (s * z_.dw - z_.pw) * in.width());
    weight_stride_ = static_cast<int64_t>(terms_.size()) * kWidth;
    weights_at_ = plan.scratch(static_cast<size_t>(vectors_.extent * weight_stride_) * sizeof(float));
  }

  int weight_tasks() const override { return static_cast<int>(vectors_.extent); }
  void prepare_weights(int task, std::byte* scratch) const override {
    const int64_t o = task * kWidth, count = std::min<int64_t>(z_.o - o, kWidth), terms = weight_stride_ / kWidth;
    float* to = weights(task, scratch);
    for (int64_t t = 0; t < terms; ++t)
      for (int64_t i = 0; i < kWidth; ++i) *to++ = i < count ? weight_[(o + i) * terms + t] : 0;
  }

  void compute(const float* from, const Rows& from_held, const Rows& rows, float* to, const Rows& to_held, float*,
               std::byte* scratch) const override {
    for (int64_t p = rows.begin; p < rows.end; ++p)
      for (int64_t b = 0; b < vectors_.blocks; ++b) {
        const int64_t v = vectors_.begin(b), vectors = vectors_.begin(b + 1) - v;
        const Cut pixels(z_.q, sum_pixels(static_cast<int>(vectors)));
        for (int64_t i = 0; i < pixels.blocks; ++i) {
          const int64_t q = pixels.begin(i), step = z_.sw * in_.width();
          sum_function(vectors, pixels.begin(i + 1) - q)(
              {weights(v, scratch), weight_stride_, from + in_.row(p * z_.sh - z_.ph, from_held) + q * step, terms_, step,
               finish_, v * kWidth, to + v * out_.block_size() + out_.row(p, to_held) + q * out_.width(),
               out_.block_size(), out_.width()});
        }
      }
  }

 private:
  float* weights(int64_t vector, std::byte* scratch) const {
    return reinterpret_cast<float*>(scratch + weights_at_) + vector * weight_stride_;
  }

  ConvShape z_;
  const float* weight_;
  ChainFinish finish_;
  Lines in_, out_;
  Cut vectors_;  // of output channels
  std::vector<int64_t> terms_;
  int64_t weight_stride_;
  size_t weights_at_;
};

}  // namespace
}  // namespace kantor::KANTOR_ISA
