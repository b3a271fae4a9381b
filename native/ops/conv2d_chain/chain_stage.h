// What computes rows of a layer of a chain from rows of the one before.
#pragma once
#include <cstddef>

#include "ops/conv2d/conv_method.h"
#include "ops/conv2d/conv_sums.h"
#include "ops/conv2d_chain/chain_lines.h"
#include "ops/conv2d_chain/conv2d_chain.h"
#include "ops/simd.h"

namespace kantor::KANTOR_ISA {
namespace {

enum class ChainMethod { sums, dots, winograd2, winograd4 };

// What a layer computes, how, and what of its input that takes.
class ChainReach {
 public:
  explicit ChainReach(const ChainLayer& layer)
      : sums_(layer.transposed ? conv2d_data_grad_sums(layer.shape) : conv2d_sums(layer.shape)),
        method_(choose(layer.shape, sums_)) {
    bool any = false;
    for (const SumPart& part : sums_.parts)
      for (const auto& [tap, weight] : part.taps) {
        first_ = any ? Tap{std::min(first_.down, tap.down), std::min(first_.right, tap.right)} : tap;
        last_ = any ? Tap{std::max(last_.down, tap.down), std::max(last_.right, tap.right)} : tap;
        any = true;
      }
  }

  const ConvSums& sums() const { return sums_; }
  ChainMethod method() const { return method_; }
  Tap first() const { return first_; }  // the taps furthest up and left
  // The side of an output tile: rows are computed from a multiple of it on.
  int64_t tile() const { return method_ == ChainMethod::winograd4 ? 4 : method_ == ChainMethod::winograd2 ? 2 : 1; }
  // How many rows are computed at a time if they can be; 0: as many as are asked for.
  int64_t strip() const { return tile() == 1 ? 0 : tile() * kStripTileRows; }
  // The input's rows that rows of the output take.
  Rows input(const Rows& out) const {
    if (tile() > 1) {
      const int64_t begin = out.begin + first_.down;
      return {begin, begin + round_up(out.end - out.begin, tile()) + 2};
    }
    return {out.begin / sums_.up_rows * sums_.step_rows + first_.down,
            (out.end - 1) / sums_.up_rows * sums_.step_rows + last_.down + 1};
  }
  // The most rows of the input that so many rows of the output take at a time.
  int64_t most_input(int64_t rows) const {
    const int64_t first = sums_.up_rows - 1, most = strip() > 0 ? strip() : rows;  // the last of a period needs most
    const Rows in = input({first, first + most});
    return in.end - in.begin;
  }
  // Columns of the input before its first, and after its last.
  int64_t left() const { return std::max<int64_t>(0, -first_.right); }
  int64_t right() const {
    const int64_t cols = tile() > 1 ? round_up(sums_.out_cols, tile()) : ceil_div(sums_.out_cols, sums_.up_cols);
    return std::max<int64_t>(0, (cols - 1) * sums_.step_cols + last_.right + 1 - sums_.in_cols);
  }

 private:
  static constexpr int64_t kStripTileRows = 2;

  static ChainMethod choose(const ConvShape& shape, const ConvSums& sums) {
    switch (conv_method(shape)) {
      case ConvMethod::winograd2: return ChainMethod::winograd2;
      case ConvMethod::winograd4: return ChainMethod::winograd4;
      case ConvMethod::direct: break;
    }
    // Sums of products over whole vectors of input channels leave fewer lanes idle than sums over few output channels.
    return sums.in_channels >= kWidth && 4 * sums.out_channels <= kWidth ? ChainMethod::dots : ChainMethod::sums;
  }

  ConvSums sums_;
  ChainMethod method_;
  Tap first_{0, 0}, last_{0, 0};
};

// Bias and activation of a layer. The last layer of a chain has neither.
class ChainFinish {
 public:
  ChainFinish(const ChainLayer& layer, const float* bias)
      : channels_(layer.transposed ? layer.shape.c : layer.shape.o),
        bias_(bias),
        activation_(layer.activation),
        slope_(layer.slope) {}

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
