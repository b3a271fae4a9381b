// What computes rows of a layer of a chain from rows of the one before.
#pragma once
#include <cstddef>

#include "ops/conv2d/conv_method.h"
#include "ops/conv2d_chain/chain_lines.h"
#include "ops/conv2d_chain/conv2d_chain.h"
#include "ops/simd.h"

namespace kantor::KANTOR_ISA {
namespace {

enum class ChainMethod { sums, dots, winograd2, winograd4 };

// How a layer is computed, and what of its input that takes.
class ChainReach {
 public:
  explicit ChainReach(const ConvShape& shape) : z_(shape), method_(choose(shape)) {}

  ChainMethod method() const { return method_; }
  // The side of an output tile: rows are computed from a multiple of it on.
  int64_t tile() const { return method_ == ChainMethod::winograd4 ? 4 : method_ == ChainMethod::winograd2 ? 2 : 1; }
  // How many rows are computed at a time if they can be; 0: as many as are asked for.
  int64_t strip() const { return tile() == 1 ? 0 : tile() * kStripTileRows; }
  // The input's rows that rows of the output take.
  Rows input(const Rows& out) const {
    const int64_t first = out.begin * z_.sh - z_.ph;
    if (tile() > 1) return {first, first + round_up(out.end - out.begin, tile()) + z_.r - 1};
    return {first, (out.end - 1) * z_.sh - z_.ph + z_.dh * (z_.r - 1) + 1};
  }
  // Columns of the input before its first, and after its last.
  int64_t left() const { return z_.pw; }
  int64_t right() const {
    return std::max<int64_t>(0, (round_up(z_.q, tile()) - 1) * z_.sw - z_.pw + z_.dw * (z_.s - 1) + 1 - z_.w);
  }

 private:
  static constexpr int64_t kStripTileRows = 2;

  static ChainMethod choose(const ConvShape& z) {
    switch (conv_method(z)) {
      case ConvMethod::winograd2: return ChainMethod::winograd2;
      case ConvMethod::winograd4: return ChainMethod::winograd4;
      case ConvMethod::direct: break;
    }
    // Sums of products over whole vectors of input channels leave fewer lanes idle than sums over few output channels.
    return z.c >= kWidth && 4 * z.o <= kWidth ? ChainMethod::dots : ChainMethod::sums;
  }

  ConvShape z_;
  ChainMethod method_;
};

// Bias and activation of a layer. The last layer of a chain has neither.
class ChainFinish {
 public:
  ChainFinish(const ChainLayer& layer, const float* bias)
      : channels_(layer.shape.o), bias_(bias), activation_(layer.activation), slope_(layer.slope) {}

  // Of kWidth channels, a lane each.
  Vec bias(int64_t channel) const {
    return bias_ ? load_partial(bias_ + channel, std::min<int64_t>(channels_ - channel, kWidth)) : Vec{};
  }
  float bias_of(int64_t channel) const { return bias_ ? bias_[channel] : 0; }
  // use(activation), a map of vectors of sums that have their bias.
  template <class Use>
  void choose(Use use) const {
    const Vec slope = broadcast(slope_);
    switch (activation_) {
      case ChainActivation::none: return use([](Vec x) { return x; });
      case ChainActivation::relu: return use([](Vec x) { return max(Vec{}, x); });  // in this order NaN stays NaN
      case ChainActivation::leaky_relu: return use([slope](Vec x) { return x > 0.0f ? x : slope * x; });
    }
  }

 private:
  int64_t channels_;
  const float* bias_;
  ChainActivation activation_;
  float slope_;
};

class ChainStage {
 public:
  virtual ~ChainStage() = default;

  virtual int weight_tasks() const = 0;
  virtual void prepare_weights(int task, std::byte* scratch) const = 0;
  // Memory for compute's own use, in floats.
  virtual int64_t own_floats() const { return 0; }
  // Rows of the output: of whose lines `to` holds to_held. `from` holds the input's rows from `from_held.begin` on, all
  // that input(rows) names among them. Of `to` only the image's columns are written.
  virtual void compute(const float* from, const Rows& from_held, const Rows& rows, float* to, const Rows& to_held,
                       float* own, std::byte* scratch) const = 0;
};

}  // namespace
}  // namespace kantor::KANTOR_ISA
