// A layer of a chain with few output channels: the sums of kWidth pixels of a channel, each in the lanes of its input
// channels, added up at the end.
#pragma once
#include <vector>

#include "ops/conv2d_chain/chain_stage.h"
#include "runtime/op.h"

namespace kantor::KANTOR_ISA {
namespace {

class ChainDots final : public ChainStage {
 public:
  ChainDots(const ConvShape& shape, const float* weight, const ChainFinish& finish, const Lines& in, const Lines& out,
            Plan& plan)
      : z_(shape), weight_(weight), finish_(finish), in_(in), out_(out) {
    for (int64_t b = 0; b < in.blocks(); ++b)
      for (int64_t r = 0; r < z_.r; ++r)
        for (int64_t s = 0; s < z_.s; ++s)
          terms_.push_back(b * in.block_size() + r * z_.dh * in.pitch() + (s * z_.dw - z_.pw) * kWidth);
    weights_at_ = plan.scratch(static_cast<size_t>(z_.o * weight_floats()) * sizeof(float));
  }

  int weight_tasks() const override { return static_cast<int>(z_.o); }
  // [block of input channels][tap][channel of the block], 0 for channels that are not there.
  void prepare_weights(int task, std::byte* scratch) const override {
    float* to = weights(task, scratch);
    const int64_t taps = z_.r * z_.s;
    for (int64_t c = 0; c < z_.c; c += kWidth)
      for (int64_t tap = 0; tap < taps; ++tap)
        for (int64_t i = c; i < c + kWidth; ++i) *to++ = i < z_.c ? weight_[(task * z_.c + i) * taps + tap] : 0;
  }

  void compute(const float* from, const Rows& from_held, const Rows& rows, float* to, const Rows& to_held, float*,
               std::byte* scratch) const override {
    finish_.choose([&](auto activation) {
      for (int64_t p = rows.begin; p < rows.end; ++p)
        for (int64_t q = 0; q < z_.q; q += kWidth)
          for (int64_t o = 0; o < z_.o; ++o) {
            const float* source = from + in_.row(p * z_.sh - z_.ph, from_held);
            const Vec dots = activation(pixels(source, q, weights(o, scratch)) + broadcast(finish_.bias_of(o)));
            const int64_t count = std::min<int64_t>(z_.q - q, kWidth);
            float* out = to + out_.row(p, to_held) + q * z_.o + o;
            if (z_.o == 1) store_partial(out, dots, count);
            else for (int64_t j = 0; j < count; ++j) out[j * z_.o] = dots[j];
          }
    });
  }

 private:
  int64_t weight_floats() const { return static_cast<int64_t>(terms_.size()) * kWidth; }
  float* weights(int64_t channel, std::byte* scratch) const {
    return reinterpret_cast<float*>(scratch + weights_at_) + channel * weight_floats();
  }

  // Of kWidth pixels from q on, a lane each; those beyond the row's end are its last.
  [[gnu::always_inline]] Vec pixels(const float* source, int64_t q, const float* weight) const {
    const float* pixel[kWidth];
#pragma GCC unroll 16
    for (int j = 0; j < kWidth; ++j) pixel[j] = source + std::min(q + j, z_.q - 1) * z_.sw * kWidth;
    Vec sum[kWidth] = {};
    for (const int64_t term : terms_) {
      const Vec w = load(weight);
#pragma GCC unroll 16
      for (int j = 0; j < kWidth; ++j) sum[j] = fma(w, load(pixel[j] + term), sum[j]);
      weight += kWidth;
    }
    return sum_each<kWidth>(sum);
  }

  ConvShape z_;
  const float* weight_;
  ChainFinish finish_;
  Lines in_, out_;
  std::vector<int64_t> terms_;
  size_t weights_at_;
};

}  // namespace
}  // namespace kantor::KANTOR_ISA
