// What most programs of pointwise.h are, found in their code: steps on one or two values. A kernel runs a form without
// looking up registers, which a GPU can only index in memory.
#pragma once
#include <array>

#include "ops/pointwise/pointwise.h"

namespace kantor {

// last(both(first(x), second(y))), or last(first(x)) where `both` is none: the one output, or the register of a result. x is
// source first.a, y second.a: an operand or the accumulator.
struct PwForm {
  static constexpr Pw kNone = Pw{};  // an operation that is not there: input is no step
  static constexpr uint8_t kAccumulator = 255;
  PwInstruction first, second, both, last;
  bool fits;  // the program has this form; the rest means nothing else

  static constexpr bool is_step(Pw op) {
    switch (op) {
      case Pw::scale:
      case Pw::tanh:
      case Pw::relu:
      case Pw::leaky_relu:
      case Pw::step:
      case Pw::leaky_mask: return true;
      default: return false;
    }
  }
  static constexpr bool is_both(Pw op) { return op == Pw::add || op == Pw::sub || op == Pw::mul; }

  // result: the register that is wanted, or -1 for a program that stores.
  static PwForm of(const PwInstruction* code, int length, int result) {
    struct Register {
      PwForm form = {};
      bool is_known = false;
    };
    std::array<Register, kRegisters> registers;
    Register stored;
    for (int i = 0; i < length; ++i) {
      const PwInstruction& c = code[i];
      const Register a = registers[c.a % kRegisters], b = registers[c.b % kRegisters];
      Register to;
      if (c.op == Pw::store) {
        if (result >= 0 || i + 1 < length || c.b != 0) return {};
        stored = a;
        break;
      } else if (c.op == Pw::input || c.op == Pw::accumulator) {
        to.form.first.a = c.op == Pw::input ? c.a : kAccumulator;
        to.is_known = true;
      } else if (is_step(c.op) && a.is_known) {
        to = a;
        bool is_source = a.form.both.op == kNone && a.form.first.op == kNone && a.form.last.op == kNone;
        PwInstruction& step = is_source ? to.form.first : to.form.last;
        to.is_known = step.op == kNone;
        step = {c.op, 0, step.a, 0, c.imm};
      } else if (is_both(c.op) && a.is_known && b.is_known) {
        auto is_one = [](const PwForm& f) { return f.both.op == kNone && f.last.op == kNone; };
        to.is_known = is_one(a.form) && is_one(b.form);
        to.form = a.form;
        to.form.second = b.form.first;
        to.form.both.op = c.op;
      }
      registers[c.dst % kRegisters] = to;
    }
    const Register& found = result >= 0 ? registers[static_cast<size_t>(result)] : stored;
    PwForm form = found.form;
    form.fits = found.is_known;
    return form;
  }
};

}  // namespace kantor
