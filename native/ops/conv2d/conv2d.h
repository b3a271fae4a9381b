// conv2d: cross-correlation, the field's convolution.
//
//   Y[n][o][p][q] = sum over c,r,s of X[n][c][p*SH - PH + r*DH][q*SW - PW + s*DW] * W[o][c][r][s]      (X is 0 outside)
//   P = (H + 2 PH - DH (R-1) - 1) / SH + 1, Q likewise
//
//   in[0]: X [N, C, H, W]    in[1]: W [O, C, R, S]    in[2..]: operands of the prologue, then those of the epilogue
//   out: the epilogue's stores, each [N, O, P, Q] (overwritten)
//   attributes: SH, SW, PH, PW, DH, DW, prologue, epilogue
//   epilogue: a program (ops/pointwise/pointwise.h) with rows = N*O, cols = P*Q; `accumulator` is Y's element; without
//             instructions it stores Y in out[0]
//   prologue: -1, or a register and a program with rows = N*C, cols = H*W and no stores, whose `accumulator` is in[0]'s
//             element: what the register then holds is X's element, made while X is read and never stored
//
// Outputs overlap neither in[0], W nor operands of the prologue. The order of each sum is fixed by the shapes alone: any
// number of threads gives the same bits. Winograd's algorithm computes many 3 x 3 sums: conv_method.h says which, and
// bounds the error. Zeros around X and dY are multiplied like other values: a NaN or an infinity among the factors may reach
// elements beside those that the sums here and in the gradients' contracts name.
#pragma once
#include "ops/pointwise/pointwise.h"

namespace kantor {
// The geometry that the three convolution ops share. The "large" side is X, the "small" side is Y.
struct ConvShape {
  int64_t n, c, h, w, o, r, s, p, q, sh, sw, ph, pw, dh, dw;
};
// Decodes attributes 0..5 and checks that P and Q fit X, W and Y; fails through node.reject.
ConvShape conv_shape(const Node& node, const Tensor& x, const Tensor& weight, const Tensor& y);

// What conv2d and conv2d_data_grad check alike: one real type; the programs, and that the outputs lie apart from the
// two factors and what the prologue reads.
void validate_conv_types(const Node& node);
void validate_conv_programs(const Node& node);
// Of these: that an epilogue is over the outputs' planes, and that they lie apart from the inputs before epilogue_in.
void expect_conv_epilogue(const Node& node, const PwProgram& epilogue, size_t epilogue_in);

// How an operand of a convolution is made while it is read: the contract's prologue.
struct ConvPrologue {
  int result = -1;  // the register; -1: the operand is a tensor as it lies
  PwProgram program;
  size_t first_in = 0;

  // Of node.in[operand]: the words from attributes[*position] on, whose operands are those from in[*first_in] on. Moves
  // both past them. Fails through node.reject.
  static ConvPrologue decode(const Node& node, size_t operand, size_t* position, size_t* first_in);
};
// The programs of conv2d and conv2d_data_grad.
struct ConvPrograms {
  ConvPrologue prologue;
  PwProgram epilogue;
  size_t epilogue_in;  // its first operand

  static ConvPrograms decode(const Node& node);
};
// For the references. Y's element in row n * O + o, column p * Q + q, of X's elements.
double reference_conv_sum(const ConvShape& shape, const std::vector<double>& x, const Tensor& weight, int64_t row,
                          int64_t col);
// The elements of node.in[operand] as the sums take them.
std::vector<double> reference_conv_operand(const Node& node, size_t operand, const ConvPrologue& prologue);

void validate_conv2d(const Node&);
void reference_conv2d(const Node&);
}  // namespace kantor
