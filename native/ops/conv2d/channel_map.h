// The prologues that normalised layers have, and the epilogues of biases and activations, as one pass over vectors without
// the evaluator's cost of a call:
//
//   activation(element * scale[row] + shift[row]), either operand and the activation (ReLU or leaky ReLU) if there
//
// Convolutions read a few hundred elements at a time, for which the evaluator takes several times as long.
#pragma once
#include <optional>

#include "ops/conv2d/conv2d.h"
#include "ops/simd.h"

namespace kantor::KANTOR_ISA {
namespace {

class ChannelMap {
 public:
  // Nothing if the prologue does anything else.
  static std::optional<ChannelMap> recognise(const Node& node, const ConvPrologue& prologue) {
    return recognise(node, prologue.program, prologue.program.code.size(), prologue.first_in, prologue.result);
  }
  // Nothing if the epilogue does anything else before it stores the result, and that alone.
  static std::optional<ChannelMap> recognise(const Node& node, const PwProgram& epilogue, size_t first_in) {
    const PwInstruction& last = epilogue.code.back();
    if (epilogue.stores != 1 || last.op != Pw::store) return {};
    return recognise(node, epilogue, epilogue.code.size() - 1, first_in, last.a);
  }

  // Elements of one row.
  void along(int64_t row, const float* from, int64_t count, float* to) const {
    of_row(row, [=](auto make) {
      int64_t i = 0;
      for (; i + kWidth <= count; i += kWidth) store(to + i, make(load(from + i)));
      if (i < count) store_partial(to + i, make(load_partial(from + i, count - i)), count - i);
    });
  }

  // use(make), where make is a map of vectors of elements of a row.
  template <class Use>
  void of_row(int64_t row, Use use) const {
    choose(broadcast(scale_.at(row, 1)), broadcast(shift_.at(row, 0)), use);
  }

  // use(make), where make is a map of vectors of elements of rows [row, row + rows), a lane each; the other lanes'
  // zeros stay.
  template <class Use>
  void across(int64_t row, int rows, Use use) const {
    Vec scale{}, shift{};
    for (int lane = 0; lane < rows; ++lane) {
      scale[lane] = scale_.at(row + lane, 1);
      shift[lane] = shift_.at(row + lane, 0);
    }
    choose(scale, shift, use);
  }

 private:
  struct Operand {
    const float* data = nullptr;  // null: none
    int64_t period = 1, row_stride = 0;

    float at(int64_t row, float none) const { return data ? data[row % period * row_stride] : none; }
  };

  // Of the program's first instructions.
  static std::optional<ChannelMap> recognise(const Node& node, const PwProgram& program, size_t count, size_t first_in,
                                             int result) {
    enum class Holds { nothing, operand, element, scaled, shifted, activated };
    struct Register {
      Holds holds = Holds::nothing;
      Operand operand{};
    };
    Register registers[kRegisters];
    Holds latest = Holds::element;  // each step must go on from the one before
    ChannelMap map;
    for (size_t i = 0; i < count; ++i) {
      const PwInstruction& code = program.code[i];
      const Register a = registers[code.a % kRegisters], b = registers[code.b % kRegisters];
      Register& to = registers[code.dst];
      const bool swapped = a.holds == Holds::operand;
      const Register &value = swapped ? b : a, &other = swapped ? a : b;
      const bool fits = other.holds == Holds::operand && value.holds == latest;
      switch (code.op) {
        case Pw::input: {
          const PwOperand& o = program.operands[code.a];
          if (o.col_stride != 0) return {};
          to = {Holds::operand, {node.in[first_in + code.a].f32(), o.period, o.row_stride}};
          break;
        }
        case Pw::accumulator: to = {Holds::element, {}}; break;
        case Pw::mul:
          if (!fits || latest != Holds::element) return {};
          map.scale_ = other.operand;
          to = {latest = Holds::scaled, {}};
          break;
        case Pw::add:
          if (!fits || latest > Holds::scaled) return {};
          map.shift_ = other.operand;
          to = {latest = Holds::shifted, {}};
          break;
        case Pw::relu:
        case Pw::leaky_relu:
          if (a.holds != latest || latest == Holds::activated) return {};
          map.activation_ = code.op;
          map.slope_ = code.imm;
          to = {latest = Holds::activated, {}};
          break;
        default: return {};
      }
    }
    if (registers[result].holds != latest) return {};
    return map;
  }

  template <class Use>
  void choose(Vec scale, Vec shift, Use use) const {
    const Vec slope = broadcast(slope_);
    switch (activation_) {
      // In this order, so that NaN stays NaN.
      case Pw::relu: return use([=](Vec x) { return max(Vec{}, fma(x, scale, shift)); });
      case Pw::leaky_relu:
        return use([=](Vec x) {
          const Vec y = fma(x, scale, shift);
          return y > 0.0f ? y : slope * y;
        });
      default: return use([=](Vec x) { return fma(x, scale, shift); });
    }
  }

  Operand scale_, shift_;
  Pw activation_ = Pw::store;  // none
  float slope_ = 0;
};

}  // namespace
}  // namespace kantor::KANTOR_ISA
