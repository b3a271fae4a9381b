// conv2d_data_grad: the gradient of conv2d with respect to X, which is the transposed convolution of dY.
//
//   dX[n][c][h][w] = sum over o,r,s, and p,q with h = p*SH - PH + r*DH, w = q*SW - PW + s*DW, of dY[n][o][p][q] *
//   W[o][c][r][s]
//
//   in[0]: dY [N, O, P, Q]    in[1]: W [O, C, R, S]    in[2..]: operands of the prologue, then those of the epilogue
//   out: the epilogue's stores, each [N, C, H, W]; H and W (an output padding included) are those of the outputs
//   attributes: SH, SW, PH, PW, DH, DW, prologue with rows = N*O, cols = P*Q, epilogue with rows = N*C, cols = H*W, as in
//               conv2d
#pragma once
#include "ops/conv2d/conv2d.h"

namespace kantor {
void validate_conv2d_data_grad(const Node&);
void reference_conv2d_data_grad(const Node&);
// For references: dX's element in row n * C + c, column h * W + w, of dY's elements.
double reference_conv_data_grad_sum(const ConvShape& shape, const std::vector<double>& dy, const Tensor& weight,
                                    int64_t row, int64_t col);
}  // namespace kantor
