// What becomes of finished elements. The epilogues that dense layers and their gradients have are one pass over
// vectors:
//
//   store((product [+ operand]) [through ReLU or leaky ReLU] [* (operand > 0 ? 1 : slope)])
//
// where operands lie along the columns: a bias, or a matrix of the output's shape. The pointwise evaluator takes all
// others.
#pragma once
#include <array>
#include <optional>

#include "ops/pointwise/pointwise_eval.h"

namespace kantor::KANTOR_ISA {
namespace {

class Epilogue {
 public:
  Epilogue(const PwProgram& program, const Tensor* operands, const Tensor* outputs)
      : kernel_(program, operands, outputs, {}), form_(recognise(program, operands)), out_(outputs[0].f32()) {}

  // The epilogue only stores the product.
  bool copies() const {
    return form_ && form_->sum.data == nullptr && form_->activation == Activation::none && form_->mask.data == nullptr;
  }

  // value[r * stride + c] is the product's element (area.row + r, area.col + c).
  void run(const PwKernel::Area& area, const float* value, int64_t stride) const {
    if (!form_)
      kernel_.run(area, value, stride);
    else if (form_->sum.data != nullptr)
      form_->mask.data != nullptr ? run<true, true>(area, value, stride) : run<true, false>(area, value, stride);
    else
      form_->mask.data != nullptr ? run<false, true>(area, value, stride) : run<false, false>(area, value, stride);
  }

 private:
  struct Operand {
    const float* data = nullptr;  // null: none
    int64_t period = 1, row_stride = 0;

    const float* at(int64_t row, int64_t col) const { return data + row % period * row_stride + col; }
  };
  enum class Activation { none, relu, leaky_relu };
  struct Form {
    Operand sum, mask;
    Activation activation = Activation::none;
    float slope = 0, mask_slope = 0;  // below zero
  };

  template <bool kSum, bool kMask>
  void run(const PwKernel::Area& area, const float* value, int64_t stride) const {
    const Form& form = *form_;
    const Vec zero = {}, one = broadcast(1.0f), mask_slope = broadcast(form.mask_slope);
    const Vec slope = broadcast(form.slope);
    for (int64_t r = 0; r < area.rows; ++r) {
      int64_t row = area.row + r;
      const float* product = value + r * stride;
      const float* sum = kSum ? form.sum.at(row, area.col) : nullptr;
      const float* mask = kMask ? form.mask.at(row, area.col) : nullptr;
      float* out = out_ + row * kernel_.cols() + area.col;
      for (int64_t c = 0; c < area.cols; c += kWidth) {
        int64_t count = area.cols - c;
        auto read = [count](const float* p) { return count >= kWidth ? load(p) : load_partial(p, count); };
        Vec v = read(product + c);
        if (kSum) v += read(sum + c);
        if (form.activation == Activation::relu)
          v = v <= zero ? zero : v;  // NaN stays
        else if (form.activation == Activation::leaky_relu)
          v = v > zero ? v : v * slope;
        if (kMask) v *= read(mask + c) > zero ? one : mask_slope;
        if (count >= kWidth)
          store(out + c, v);
        else
          store_partial(out + c, v, count);
      }
    }
  }

  // Follows the product's value through the program; nothing if anything else happens on the way.
  static std::optional<Form> recognise(const PwProgram& program, const Tensor* operands) {
    enum class Is { nothing, value, operand, mask };
    struct Register {
      Is is = Is::nothing;
      int operand = 0;
      float slope = 0;
    };
    if (program.stores != 1) return std::nullopt;
    std::array<Register, kRegisters> registers;
    Form form;
    bool stored = false;
    for (const PwInstruction& code : program.code) {
      if (stored) return std::nullopt;
      Register a = registers[code.a % kRegisters], b = registers[code.b % kRegisters];
      if (sources_of(code.op) == 2 && b.is == Is::value) std::swap(a, b);
      // Each step consumes the value: whoever would use an earlier one finds nothing.
      auto advance = [&] {
        for (Register& r : registers)
          if (r.is == Is::value) r.is = Is::nothing;
        registers[code.dst] = {Is::value};
      };
      bool active = form.activation != Activation::none || form.mask.data != nullptr;
      if (code.op == Pw::accumulator) {
        if (active || form.sum.data != nullptr) return std::nullopt;
        advance();
      } else if (code.op == Pw::input) {
        registers[code.dst] = {Is::operand, code.a};
      } else if ((code.op == Pw::step || code.op == Pw::leaky_mask) && a.is == Is::operand) {
        registers[code.dst] = {Is::mask, a.operand, code.op == Pw::step ? 0 : code.imm};
      } else if (code.op == Pw::add && a.is == Is::value && b.is == Is::operand && !active &&
                 form.sum.data == nullptr) {
        if (!along_columns(program, b.operand, operands, &form.sum)) return std::nullopt;
        advance();
      } else if ((code.op == Pw::relu || code.op == Pw::leaky_relu) && a.is == Is::value && !active) {
        form.activation = code.op == Pw::relu ? Activation::relu : Activation::leaky_relu;
        form.slope = code.imm;
        advance();
      } else if (code.op == Pw::mul && a.is == Is::value && b.is == Is::mask && form.mask.data == nullptr) {
        if (!along_columns(program, b.operand, operands, &form.mask)) return std::nullopt;
        form.mask_slope = b.slope;
        advance();
      } else if (code.op == Pw::store && a.is == Is::value) {
        stored = true;
      } else {
        return std::nullopt;
      }
    }
    return form;
  }

  static bool along_columns(const PwProgram& program, int k, const Tensor* operands, Operand* operand) {
    const PwOperand& o = program.operands[static_cast<size_t>(k)];
    *operand = {operands[k].f32(), o.period, o.row_stride};
    return o.col_stride == 1;
  }

  PwKernel kernel_;
  std::optional<Form> form_;
  float* out_;
};

}  // namespace
}  // namespace kantor::KANTOR_ISA
