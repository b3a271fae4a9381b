// batch_norm_grad: the gradient of batch_norm. With xhat = (x - mean) * rstd and M = N * HW, per channel:
//   dbeta = sum dy;   dgamma = sum dy * xhat;   dx = gamma * rstd * (dy - dbeta / M - xhat * dgamma / M)
//
//   x is [N, C] or [N, C, H, W] (HW stands for H*W, 1 for [N, C]), and so is all that is written [N, C, HW] below.
//   in: dy [N, C, HW], x [N, C, HW], gamma [C], mean [C], rstd [C]
//   out: dx [N, C, HW] (may be dy itself), dgamma [C], dbeta [C]        no attributes
// Sums by blocks of fixed size, added in order.
#pragma once
#include "runtime/op.h"

namespace kantor {
void validate_batch_norm_grad(const Node&);
void reference_batch_norm_grad(const Node&);
}  // namespace kantor
