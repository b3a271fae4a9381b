// log_sum_exp: out[r] = log sum over c of exp(x[r][c]), computed from the row's maximum so that nothing overflows.
//
//   in[0]: x [rows, cols]    out[0]: [rows, 1]    no attributes        a row of -inf gives -inf
#pragma once
#include "runtime/op.h"

namespace kantor {
void validate_log_sum_exp(const Node&);
void reference_log_sum_exp(const Node&);
}  // namespace kantor
