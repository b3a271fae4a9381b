// layer_norm (Ba, Kiros, Hinton 2016): over each row, y = (x - mean) * rstd * gamma + beta, rstd = 1 / sqrt(var + eps),
// biased variance.
//
//   in[0]: x f32 [rows, cols]   in[1]: gamma [cols]   in[2]: beta [cols]
//   out[0]: y [rows, cols] (may be x itself)   out[1]: mean [rows]   out[2]: rstd [rows]
//   attributes: eps (f32 bits)
// Two passes over a row in cache (mean, then centred squares); sums in fixed order.
#pragma once
#include "runtime/op.h"

namespace kantor {
void validate_layer_norm(const Node&);
void reference_layer_norm(const Node&);
}  // namespace kantor
