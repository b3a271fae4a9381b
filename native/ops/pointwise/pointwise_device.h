// Pointwise programs in kernels: the interpreter that pointwise, reduce and gemm's epilogue share. A program travels in the
// kernel's arguments, which a GPU keeps in its constant cache: all threads read the same word at the same time.
#pragma once
#include "ops/pointwise/pointwise_form.h"
#include "runtime/cuda/device_code.h"

namespace kantor::cuda {

struct PwPlace {
  const float* data;
  int period, row_stride, col_stride;  // period 0: rows do not repeat
};

template <int kOperands, int kStores, int kCode>
struct PwTable {
  static constexpr int kMaxOperands = kOperands, kMaxStores = kStores, kMaxCode = kCode;
  PwPlace operands[kOperands];
  float* stores[kStores];
  PwInstruction code[kCode];
  int rows, cols, length;
  PwForm form;
};
// Nearly every program of training fits the small one.
using SmallPw = PwTable<8, 4, 32>;
using LargePw = PwTable<kMaxPwOperands, kMaxPwStores, 220>;

// Calls body with the smaller table that holds the program. Operand k is node.in[first_in + k], store b
// node.out[first_out + b]. result: the register that is wanted of a program without stores.
template <class Body>
void with_table(const Node& node, const PwProgram& program, size_t first_in, size_t first_out, Body body, int result = -1) {
  auto fits = [&]<class Table>(Table&) {
    return program.operands.size() <= size_t{Table::kMaxOperands} && program.stores <= Table::kMaxStores &&
           program.code.size() <= size_t{Table::kMaxCode};
  };
  auto fill = [&]<class Table>(Table& table) {
    table.rows = extent(node, program.rows * program.cols) / static_cast<int>(program.cols);
    table.cols = static_cast<int>(program.cols);
    table.length = static_cast<int>(program.code.size());
    for (size_t k = 0; k < program.operands.size(); ++k) {
      const PwOperand& o = program.operands[k];
      extent(node, node.in[first_in + k].count());
      // A stride along one row or column is never multiplied by anything but 0.
      bool is_one = program.rows == 1 || o.period == 1;
      table.operands[k] = {node.in[first_in + k].f32(),
                           is_one || o.period >= program.rows ? 0 : static_cast<int>(o.period),
                           is_one ? 0 : static_cast<int>(o.row_stride),
                           program.cols == 1 ? 0 : static_cast<int>(o.col_stride)};
    }
    for (int b = 0; b < program.stores; ++b) table.stores[b] = node.out[first_out + static_cast<size_t>(b)].f32();
    for (size_t i = 0; i < program.code.size(); ++i) table.code[i] = program.code[i];
    table.form = PwForm::of(table.code, table.length, result);
  };
  SmallPw small = {};
  LargePw large = {};
  if (fits(small)) {
    fill(small);
    body(small);
  } else if (fits(large)) {
    fill(large);
    body(large);
  } else {
    throw Error(KT_UNSUPPORTED, std::string(node.op) + ": a program of " + std::to_string(program.code.size()) +
                                    " instructions; this device takes " + std::to_string(LargePw::kMaxCode));
  }
}

__device__ inline float larger(float a, float b) { return a > b ? a : b; }
__device__ inline float smaller(float a, float b) { return a < b ? a : b; }

// Calls map with the operation f(a, b, dst, imm), as pointwise.h defines it: one look-up for all elements of a thread.
template <class Map>
__device__ __forceinline__ void with_operation(Pw op, const Map& map) {
  switch (op) {
    case Pw::constant: return map([](float, float, float, float imm) { return imm; });
    case Pw::scale: return map([](float a, float, float, float imm) { return a * imm; });
    case Pw::shift: return map([](float a, float, float, float imm) { return a + imm; });
    case Pw::neg: return map([](float a, float, float, float) { return -a; });
    case Pw::abs: return map([](float a, float, float, float) { return fabsf(a); });
    case Pw::square: return map([](float a, float, float, float) { return a * a; });
    case Pw::sqrt: return map([](float a, float, float, float) { return sqrtf(a); });
    case Pw::safe_rsqrt: return map([](float a, float, float, float) { return a > 0 ? 1 / sqrtf(a) : 0.0f; });
    case Pw::reciprocal: return map([](float a, float, float, float) { return 1 / a; });
    case Pw::exp: return map([](float a, float, float, float) { return expf(a); });
    case Pw::log: return map([](float a, float, float, float) { return logf(a); });
    case Pw::tanh: return map([](float a, float, float, float) { return tanhf(a); });
    case Pw::sigmoid: return map([](float a, float, float, float) { return 1 / (1 + expf(-a)); });
    case Pw::softplus:
      return map([](float a, float, float, float) { return larger(a, 0) + log1pf(expf(-fabsf(a))); });
    case Pw::relu: return map([](float a, float, float, float) { return larger(0, a); });
    case Pw::leaky_relu: return map([](float a, float, float, float imm) { return a > 0 ? a : imm * a; });
    case Pw::step: return map([](float a, float, float, float) { return a > 0 ? 1.0f : 0.0f; });
    case Pw::leaky_mask: return map([](float a, float, float, float imm) { return a > 0 ? 1.0f : imm; });
    case Pw::sign: return map([](float a, float, float, float) { return a > 0 ? 1.0f : a < 0 ? -1.0f : 0.0f; });
    case Pw::max_scalar: return map([](float a, float, float, float imm) { return larger(imm, a); });
    case Pw::min_scalar: return map([](float a, float, float, float imm) { return smaller(imm, a); });
    case Pw::add: return map([](float a, float b, float, float) { return a + b; });
    case Pw::sub: return map([](float a, float b, float, float) { return a - b; });
    case Pw::mul: return map([](float a, float b, float, float) { return a * b; });
    case Pw::div: return map([](float a, float b, float, float) { return a / b; });
    case Pw::max: return map([](float a, float b, float, float) { return a != a ? a : larger(a, b); });
    case Pw::min: return map([](float a, float b, float, float) { return a != a ? a : smaller(a, b); });
    case Pw::greater: return map([](float a, float b, float, float) { return a > b ? 1.0f : 0.0f; });
    case Pw::equal: return map([](float a, float b, float, float) { return a == b ? 1.0f : 0.0f; });
    case Pw::mul_add: return map([](float a, float b, float dst, float) { return fmaf(a, b, dst); });
    case Pw::input:
    case Pw::accumulator:
    case Pw::store: break;
  }
}

// Where one element of the domain lies; live: it is inside.
struct PwElement {
  int row, col;
  bool live;
};

template <int kElements>
using PwRegisters = float[kRegisters][kElements];

// The operand's elements, all loads under way together; 0 where an element is not live.
template <int kElements>
__device__ __forceinline__ void load_operand(const PwPlace& o, const PwElement (&at)[kElements], float (&to)[kElements]) {
  auto load = [&](auto row_of) {
#pragma unroll
    for (int e = 0; e < kElements; ++e)
      to[e] = at[e].live ? o.data[row_of(at[e].row) * o.row_stride + at[e].col * o.col_stride] : 0;
  };
  if (o.period == 0)
    load([](int row) { return row; });
  else
    load([&](int row) { return row % o.period; });
}

// A step of a form on all elements.
template <int kElements>
__device__ __forceinline__ void take_step(const PwInstruction& step, float (&values)[kElements]) {
  auto take = [&](Pw op) {
    with_operation(op, [&](const auto& f) {
#pragma unroll
      for (int e = 0; e < kElements; ++e) values[e] = f(values[e], 0.0f, 0.0f, step.imm);
    });
  };
  switch (step.op) {
    case Pw::scale: return take(Pw::scale);
    case Pw::tanh: return take(Pw::tanh);
    case Pw::relu: return take(Pw::relu);
    case Pw::leaky_relu: return take(Pw::leaky_relu);
    case Pw::step: return take(Pw::step);
    case Pw::leaky_mask: return take(Pw::leaky_mask);
    default: return;
  }
}

// values: what a program makes that has a form.
template <int kElements, class Table>
__device__ __forceinline__ void run_form(const Table& p, const PwElement (&at)[kElements],
                                         const float (&accumulator)[kElements], float (&values)[kElements]) {
  float others[kElements] = {};
  auto load = [&](const PwInstruction& step, float(&to)[kElements]) {
    if (step.a != PwForm::kAccumulator) return load_operand(p.operands[step.a], at, to);
#pragma unroll
    for (int e = 0; e < kElements; ++e) to[e] = accumulator[e];
  };
  load(p.form.first, values);
  if (p.form.both.op != PwForm::kNone) load(p.form.second, others);
  take_step(p.form.first, values);
  if (p.form.both.op != PwForm::kNone) {
    take_step(p.form.second, others);
#pragma unroll
    for (int e = 0; e < kElements; ++e)
      values[e] = p.form.both.op == Pw::add   ? values[e] + others[e]
                  : p.form.both.op == Pw::sub ? values[e] - others[e]
                                              : values[e] * others[e];
  }
  take_step(p.form.last, values);
}

// Any program, instruction by instruction.
template <int kElements, class Table>
__device__ __forceinline__ void run_code(const Table& p, const PwElement (&at)[kElements],
                                         const float (&accumulator)[kElements], PwRegisters<kElements>& registers) {
  for (int i = 0; i < p.length; ++i) {
    const PwInstruction code = p.code[i];
    switch (code.op) {
      case Pw::input: {
        float loaded[kElements];
        load_operand(p.operands[code.a], at, loaded);
        for (int e = 0; e < kElements; ++e) registers[code.dst][e] = loaded[e];
        break;
      }
      case Pw::accumulator:
        for (int e = 0; e < kElements; ++e) registers[code.dst][e] = accumulator[e];
        break;
      case Pw::store:
        for (int e = 0; e < kElements; ++e)
          if (at[e].live) p.stores[code.b][at[e].row * p.cols + at[e].col] = registers[code.a][e];
        break;
      default: {
        // What an operation does not read may hold anything.
        const int a = code.a % kRegisters, b = code.b % kRegisters;
        with_operation(code.op, [&](const auto& f) {
          for (int e = 0; e < kElements; ++e)
            registers[code.dst][e] = f(registers[a][e], registers[b][e], registers[code.dst][e], code.imm);
        });
      }
    }
  }
}

// Runs a program that stores, for a few elements at once.
template <int kElements, class Table>
__device__ __forceinline__ void run_program(const Table& p, const PwElement (&at)[kElements],
                                            const float (&accumulator)[kElements]) {
  if (p.form.fits) {
    float values[kElements];
    run_form(p, at, accumulator, values);
#pragma unroll
    for (int e = 0; e < kElements; ++e)
      if (at[e].live) p.stores[0][at[e].row * p.cols + at[e].col] = values[e];
  } else {
    PwRegisters<kElements> registers = {};
    run_code(p, at, accumulator, registers);
  }
}

// values: register `result` of a program without stores, whose table was made for that.
template <int kElements, class Table>
__device__ __forceinline__ void run_program(const Table& p, const PwElement (&at)[kElements],
                                            const float (&accumulator)[kElements], int result, float (&values)[kElements]) {
  if (p.form.fits) {
    run_form(p, at, accumulator, values);
  } else {
    PwRegisters<kElements> registers = {};
    run_code(p, at, accumulator, registers);
#pragma unroll
    for (int e = 0; e < kElements; ++e) values[e] = registers[result][e];
  }
}

}  // namespace kantor::cuda
