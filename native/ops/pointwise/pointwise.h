// pointwise: a chain of elementwise operations over a [rows, cols] domain, in one pass.
//
//   in:   the operands of the program below    out: one or more tensors of rows * cols elements, each overwritten
//   attributes: program (see Program)
//
// An output may be the same memory as an input that is read elementwise (element (row, col) at row * cols + col); any
// other overlap is rejected. Every element is computed from its own inputs alone, so the partition cannot change the
// result.
//
// The same program is the prologue of reduce and of the convolutions, and the epilogue of gemm and others. Its words
// in the attributes:
//
//   rows, cols, operand_count, {period, row_stride, col_stride} * operand_count,
//   store_count, instruction_count, instruction *
//
// Operand k at (row, col) is element (row % period) * row_stride + col * col_stride of its tensor (whose count must
// cover that):
//   full    period rows, row_stride cols, col_stride 1      a scalar           1, 0, 0
//   bias    1, 0, 1   (one value a column)                  one value a row    rows, 1, 0
//   channel C, 1, 0   (rows = N*C, cols = H*W)              a repeated block   R, cols, 1
//
// An instruction is one word: opcode (bits 0-7), destination register (8-15), register a (16-23), register b (24-31),
// and a float immediate in bits 32-63. Registers are 0 .. kRegisters - 1, and must be written before they are read.
// Instructions take effect in order: an input after a store to the same memory sees what was stored. All operands and
// outputs are of one type, f32 or f64 (the reference alone runs f64).
#pragma once
#include <vector>

#include "runtime/op.h"

namespace kantor {

// Comparisons with NaN are false, so step, sign and safe_rsqrt of NaN are 0; every other operation makes NaN of
// NaN.
enum class Pw : uint8_t {
  input = 0,         // dst = operand a
  accumulator = 1,   // dst = the value that the surrounding op computed, or that a prologue makes another of
  store = 2,         // output b = register a (dst unused); each output is stored exactly once
  constant = 3,      // dst = imm
  scale = 4,         // dst = a * imm
  shift = 5,         // dst = a + imm
  neg = 6,
  abs = 7,
  square = 8,
  sqrt = 9,
  safe_rsqrt = 10,   // a > 0 ? 1 / sqrt(a) : 0
  reciprocal = 11,
  exp = 12,
  log = 13,
  tanh = 14,
  sigmoid = 15,
  softplus = 16,     // log(1 + e^a) without overflow: max(a, 0) + log1p(exp(-|a|))
  relu = 17,         // a <= 0 ? 0 : a
  leaky_relu = 18,   // a > 0 ? a : imm * a
  step = 19,         // a > 0 ? 1 : 0
  leaky_mask = 20,   // a > 0 ? 1 : imm
  sign = 21,         // -1, 0, 1
  max_scalar = 22,   // max(a, imm)
  min_scalar = 23,   // min(a, imm)
  add = 32,
  sub = 33,
  mul = 34,
  div = 35,
  max = 36,
  min = 37,
  greater = 38,      // a > b ? 1 : 0
  equal = 39,        // a == b ? 1 : 0
  mul_add = 40,      // dst = dst + a * b (reads dst)
};
constexpr int kRegisters = 16;
constexpr int kMaxPwOperands = 64;
constexpr int kMaxPwStores = 16;
constexpr int kPwOpcodes = 41;

// Null where there is no such operation.
const char* name_of(Pw op);
// How many registers the operation reads as values: 0 for input, accumulator and constant, 1 for store, 3 for mul_add
// (with dst).
int sources_of(Pw op);

struct PwOperand {
  int64_t period, row_stride, col_stride;
};
struct PwInstruction {
  Pw op;
  uint8_t dst, a, b;
  float imm;
};
// A decoded program. Operand k is node.in[first_in + k], store b is node.out[first_out + b].
struct PwProgram {
  int64_t rows, cols;
  std::vector<PwOperand> operands;
  int stores;
  std::vector<PwInstruction> code;

  // Operand k is element (row, col) of the domain at row * cols + col.
  bool elementwise(size_t k) const {
    const PwOperand& o = operands[k];
    return (rows == 1 || (o.period >= rows && o.row_stride == cols)) && (cols == 1 || o.col_stride == 1);
  }

  // Decodes and checks the words from attributes[*position] on, and moves position past them: also the node's tensors
  // from first_in and first_out on, which must be just the program's. Fails through node.reject. With an accumulator,
  // a program of no instructions becomes the one that stores the accumulator in its one output.
  static PwProgram decode(const Node& node, size_t* position, size_t first_in, size_t first_out, bool has_accumulator);
  // Likewise, but other tensors may follow the program's.
  static PwProgram decode_part(const Node& node, size_t* position, size_t first_in, size_t first_out,
                               bool has_accumulator);
};
// The value of register reg (or, for a store-only program, the effect of its stores) at one element, in double: the
// oracle. operands and outputs are the node's tensors from first_in / first_out on. Returns the registers.
void reference_pointwise_element(const PwProgram& program, const Tensor* operands, const Tensor* outputs,
                                 double accumulator, int64_t row, int64_t col, double (&registers)[kRegisters]);

void validate_pointwise(const Node&);
void reference_pointwise(const Node&);

}  // namespace kantor
