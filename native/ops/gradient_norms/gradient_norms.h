// gradient_norms: the norm of each tensor and of all together, and the guard against non-finite values.
//
//   in[0]: iteration counter i64[1]    in[1 .. T]: f32 tensors
//   out[0]: norms f32[T + 1]: || tensor k ||_2, then the norm of all    out[1]: fault slot i64[4]
//   attributes: first tensor id
// If any element of tensor k is NaN or infinite and the fault slot's code is 0, the slot becomes {1, first id + k,
// counter, 0} for the smallest such k. Squares are summed in float over blocks of fixed size and in double across them,
// in order.
#pragma once
#include "runtime/op.h"

namespace kantor {
void validate_gradient_norms(const Node&);
void reference_gradient_norms(const Node&);
}  // namespace kantor
