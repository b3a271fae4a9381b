// conv2d: cross-correlation, the field's convolution.
//
//   Y[n][o][p][q] = sum over c,r,s of X[n][c][p*SH - PH + r*DH][q*SW - PW + s*DW] * W[o][c][r][s]      (X is 0 outside)
//   P = (H + 2 PH - DH (R-1) - 1) / SH + 1, Q likewise
//
//   in[0]: X [N, C, H, W]    in[1]: W [O, C, R, S]    in[2..]: operands of the epilogue
//   out: the epilogue's stores, each [N, O, P, Q] (overwritten)
//   attributes: SH, SW, PH, PW, DH, DW, program (ops/pointwise/pointwise.h): rows = N*O, cols = P*Q; `accumulator` is
//               Y's element; a program with no instructions stores Y in out[0]
//
// Outputs overlap neither X nor W. The order of each sum is fixed by the shapes alone: any number of threads gives the
// same bits. Zeros around X and dY are multiplied like other values: a NaN or an infinity among the factors may reach
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

// What conv2d and conv2d_data_grad check alike: one real type; the epilogue, and that its outputs lie apart from the
// two factors.
void validate_conv_types(const Node& node);
void validate_conv_epilogue(const Node& node);

void validate_conv2d(const Node&);
void reference_conv2d(const Node&);
}  // namespace kantor
