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
  float* to;               // of vector v and pixel j: v * to_stride + j * to_step
  int64_t to_stride, to_step, lanes;  // so many lanes of each vector are there
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
      if (z.lanes == kWidth) {
#pragma GCC unroll 16
        for (int j = 0; j < P; ++j) store(to + j * z.to_step, activation(sum[j][v]));
      } else {
        for (int j = 0; j < P; ++j) store_partial(to + j * z.to_step, activation(sum[j][v]), z.lanes);
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
  ChainSums(const ChainReach& reach, const float* weight, const ChainFinish& finish, const Lines& in, const Lines& out,
            Plan& plan)
      : z_(reach.sums()),
        first_(reach.first()),
        weight_(weight),
        finish_(finish),
        in_(in),
        out_(out),
        vectors_(ceil_div(z_.out_channels, kWidth), kSumVectors) {
    for (const SumPart& part : z_.parts) {
      terms_.emplace_back();
      for (int64_t c = 0; c < z_.in_channels; ++c)
        for (const auto& [tap, element] : part.taps)
          terms_.back().push_back(in.channel(c) + (tap.down - first_.down) * in.pitch() +
                                  (tap.right - first_.right) * in.width());
      const size_t floats = terms_.back().size() * static_cast<size_t>(vectors_.extent * kWidth);
      weights_at_.push_back(plan.scratch(floats * sizeof(float)));
    }
  }

  int weight_tasks() const override { return static_cast<int>(z_.parts.size()); }
  // For each vector of output channels, [in channel][tap][channel of the vector], 0 for channels that are not there.
  void prepare_weights(int task, std::byte* scratch) const override {
    const size_t part = static_cast<size_t>(task);
    float* to = weights(part, 0, scratch);
    for (int64_t o = 0; o < z_.out_channels; o += kWidth)
      for (int64_t c = 0; c < z_.in_channels; ++c)
        for (const SumTap& tap : z_.parts[part].taps)
          for (int64_t i = o; i < o + kWidth; ++i)
            *to++ = i < z_.out_channels ? weight_[i * z_.weight_out + c * z_.weight_in + tap.weight] : 0;
  }

  void compute(const float* from, const Rows& from_held, const Rows& rows, float* to, const Rows& to_held, float*,
               std::byte* scratch) const override {
    const int64_t step = z_.step_cols * in_.width(), to_step = z_.up_cols * out_.width();
    for (int64_t row = rows.begin; row < rows.end; ++row) {
      const int64_t p = row / z_.up_rows * z_.step_rows + first_.down;
      const float* source = from + in_.row(p, from_held) + first_.right * in_.width();
      for (size_t k = 0; k < z_.parts.size(); ++k) {
        const SumPart& part = z_.parts[k];
        if (part.row != row % z_.up_rows) continue;
        float* first = to + out_.row(row, to_held) + part.col * out_.width();
        for (int64_t b = 0; b < vectors_.blocks; ++b) {
          const int64_t v = vectors_.begin(b), vectors = vectors_.begin(b + 1) - v;
          const Cut pixels(ceil_div(z_.out_cols - part.col, z_.up_cols), sum_pixels(static_cast<int>(vectors)));
          for (int64_t i = 0; i < pixels.blocks; ++i) {
            const int64_t q = pixels.begin(i);
            sum_function(vectors, pixels.begin(i + 1) - q)(
                {weights(k, v, scratch), static_cast<int64_t>(terms_[k].size()) * kWidth, source + q * step, terms_[k],
                 step, finish_, v * kWidth, first + v * out_.block_size() + q * to_step, out_.block_size(), to_step,
                 out_.width()});
          }
        }
      }
    }
  }

 private:
  float* weights(size_t part, int64_t vector, std::byte* scratch) const {
    return reinterpret_cast<float*>(scratch + weights_at_[part]) +
           vector * static_cast<int64_t>(terms_[part].size()) * kWidth;
  }

  ConvSums z_;
  Tap first_;
  const float* weight_;
  ChainFinish finish_;
  Lines in_, out_;
  Cut vectors_;  // of output channels
  std::vector<std::vector<int64_t>> terms_;  // by part, as the weights
  std::vector<size_t> weights_at_;
};

}  // namespace
}  // namespace kantor::KANTOR_ISA
