// gather: rows of a data set by index, scaled.   out[i][j] = in[0][in[1][i]][j] * scale + shift
//
//   in[0]: data u8, f32 or i32 [count, width]    in[1]: indices i32 [n], each in [0, count): anything else sets the element to NaN
//   (for an i32 output: -1)                      out[0]: f32 (or f64) [n, width], or i32 from i32 / u8 data with scale 1, shift 0
//   attributes: scale (f32 bits), shift (f32 bits)
#pragma once
#include "runtime/op.h"

namespace kantor {
void validate_gather(const Node&);
void reference_gather(const Node&);
}  // namespace kantor
