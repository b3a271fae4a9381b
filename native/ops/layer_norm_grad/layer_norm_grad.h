// layer_norm_grad: the gradient of layer_norm. With xhat = (x - mean) * rstd and h = dy * gamma, per row over D = cols:
//   dx = rstd * (h - mean_D(h) - xhat * mean_D(h * xhat));   dgamma[c] = sum_rows dy * xhat;   dbeta[c] = sum_rows dy
//
//   in: dy [rows, cols], x [rows, cols], gamma [cols], mean [rows], rstd [rows]
//   out: dx [rows, cols] (may be dy itself), dgamma [cols], dbeta [cols]        no attributes
// Column sums in blocks of fixed size, added in order.
#pragma once
#include "runtime/op.h"

namespace kantor {
void validate_layer_norm_grad(const Node&);
void reference_layer_norm_grad(const Node&);
}  // namespace kantor
