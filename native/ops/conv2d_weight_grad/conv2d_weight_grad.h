// conv2d_weight_grad: the gradient of conv2d with respect to W.
//
//   dW[o][c][r][s] = sum over n,p,q of dY[n][o][p][q] * X[n][c][p*SH - PH + r*DH][q*SW - PW + s*DW]
//
//   in[0]: dY [N, O, P, Q]    in[1]: X [N, C, H, W]    in[2..]: operands of dY's prologue, then of X's
//   out[0]: dW [O, C, R, S] (overwritten, overlaps no input)
//   attributes: SH, SW, PH, PW, DH, DW, dY's prologue with rows = N*O, cols = P*Q, X's with rows = N*C, cols = H*W, as in
//               conv2d
// Partial sums over fixed groups of images, added in order: any number of threads gives the same bits.
#pragma once
#include "ops/conv2d/conv2d.h"

namespace kantor {
struct WeightGradPrologues {
  ConvPrologue dy, x;

  static WeightGradPrologues decode(const Node& node);
};

void validate_conv2d_weight_grad(const Node&);
void reference_conv2d_weight_grad(const Node&);
}  // namespace kantor
