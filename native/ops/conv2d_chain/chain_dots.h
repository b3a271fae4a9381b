// A layer of a chain with few output channels: the sums of kWidth pixels of a channel, each in the lanes of its input
// channels, added up at the end.
#pragma once
#include <array>
#include <utility>
#include <vector>

#include "ops/conv2d_chain/chain_stage.h"
#include "runtime/op.h"

namespace kantor::KANTOR_ISA {
namespace {

// Lane j of the result: the sum over t and lanes of weight[t * kWidth ..] * source[terms[t] + j * step ..], j < P.
using DotFunction = Vec (*)(const float* weight, const float* source, const std::vector<int64_t>& terms, int64_t step);

template <int P>
Vec pixel_dots(const float* weight, const float* source, const std::vector<int64_t>& terms, int64_t step) {
  Vec sum[P] = {};
  for (const int64_t term : terms) {
    const Vec w = load(weight);
    const float* pixel = source + term;
#pragma GCC unroll 16
    for (int j = 0; j < P; ++j) sum[j] = fma(w, load(pixel + j * step), sum[j]);
    weight += kWidth;
  }
  return sum_each<P>(sum);
}

template <size_t... Pixels>
constexpr std::array<DotFunction, sizeof...(Pixels)> dot_functions(std::index_sequence<Pixels...>) {
  return {pixel_dots<static_cast<int>(Pixels) + 1>...};
}
inline DotFunction dot_function(int64_t pixels) {
  static constexpr auto table = dot_functions(std::make_index_sequence<kWidth>());
  return table[static_cast<size_t>(pixels - 1)];
}

class ChainDots final : public ChainStage {
 public:
  ChainDots(const ChainReach& reach, const float* weight, const ChainFinish& finish, const Lines& in, const Lines& out,
            Plan& plan)
      : z_(reach.sums()), first_(reach.first()), weight_(weight), finish_(finish), in_(in), out_(out) {
    for (const SumPart& part : z_.parts) {
      terms_.emplace_back();
      for (int64_t b = 0; b < in.blocks(); ++b)
        for (const auto& [tap, element] : part.taps)
          terms_.back().push_back(b * in.block_size() + (tap.down - first_.down) * in.pitch() +
                                  (tap.right - first_.right) * kWidth);
      const size_t floats = terms_.back().size() * static_cast<size_t>(z_.out_channels * kWidth);
      weights_at_.push_back(plan.scratch(floats * sizeof(float)));
    }
  }

  int weight_tasks() const override { return static_cast<int>(z_.parts.size()); }
  // For each output channel, [block of input channels][tap][channel of the block], 0 for channels that are not there.
  void prepare_weights(int task, std::byte* scratch) const override {
    const size_t part = static_cast<size_t>(task);
    float* to = weights(part, 0, scratch);
    for (int64_t o = 0; o < z_.out_channels; ++o)
      for (int64_t c = 0; c < z_.in_channels; c += kWidth)
        for (const SumTap& tap : z_.parts[part].taps)
          for (int64_t i = c; i < c + kWidth; ++i)
            *to++ = i < z_.in_channels ? weight_[o * z_.weight_out + i * z_.weight_in + tap.weight] : 0;
  }

  void compute(const float* from, const Rows& from_held, const Rows& rows, float* to, const Rows& to_held, float*,
               std::byte* scratch) const override {
    const int64_t in_step = z_.step_cols * kWidth, out_step = z_.up_cols * z_.out_channels;
    finish_.choose([&](auto activation) {
      for (int64_t row = rows.begin; row < rows.end; ++row) {
        const int64_t p = row / z_.up_rows * z_.step_rows + first_.down;
        const float* source = from + in_.row(p, from_held) + first_.right * kWidth;
        for (size_t k = 0; k < z_.parts.size(); ++k) {
          const SumPart& part = z_.parts[k];
          if (part.row != row % z_.up_rows) continue;
          const Cut pixels(ceil_div(z_.out_cols - part.col, z_.up_cols), kWidth);
          for (int64_t b = 0; b < pixels.blocks; ++b) {
            const int64_t q = pixels.begin(b), count = pixels.begin(b + 1) - q;
            const DotFunction dots_of = dot_function(count);
            for (int64_t o = 0; o < z_.out_channels; ++o) {
              const Vec sums = dots_of(weights(k, o, scratch), source + q * in_step, terms_[k], in_step);
              const Vec dots = activation(sums + broadcast(finish_.bias_of(o)));
              float* out = to + out_.row(row, to_held) + part.col * z_.out_channels + q * out_step + o;
              if (out_step == 1) store_partial(out, dots, count);
              else for (int64_t j = 0; j < count; ++j) out[j * out_step] = dots[j];
            }
          }
        }
      }
    });
  }

 private:
  float* weights(size_t part, int64_t channel, std::byte* scratch) const {
    return reinterpret_cast<float*>(scratch + weights_at_[part]) +
           channel * static_cast<int64_t>(terms_[part].size()) * kWidth;
  }

  ConvSums z_;
  Tap first_;
  const float* weight_;
  ChainFinish finish_;
  Lines in_, out_;
  std::vector<std::vector<int64_t>> terms_;  // by part, as the weights
  std::vector<size_t> weights_at_;
};

}  // namespace
}  // namespace kantor::KANTOR_ISA
