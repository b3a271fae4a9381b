// max_pool: the largest of each window, and where it was.
//
//   in[0]: X [N, C, H, W]    out[0]: values [N, C, P, Q]
//   out[1]: argmax i32 [N, C, P, Q], h*W + w in the plane; ties: the first
//   attributes: KH, KW, SH, SW    (no padding; P = (H - KH) / SH + 1, Q likewise)
// As in the framework NaN wins, and of several the last: torch's argmax is that of `value > largest || isnan(value)`.
#pragma once
#include "runtime/op.h"

namespace kantor {
void validate_max_pool(const Node&);
void reference_max_pool(const Node&);
}  // namespace kantor
