// one_hot: out[r][c] = (c == label[r]) ? 1 : 0; a label outside [0, classes) gives a row of zeros.
//
//   in[0]: labels i32 [rows]    out[0]: f32 [rows, classes]    no attributes
#pragma once
#include "runtime/op.h"

namespace kantor {
void validate_one_hot(const Node&);
void reference_one_hot(const Node&);
}  // namespace kantor
