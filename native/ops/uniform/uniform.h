// uniform: out[i] = low + (high - low) * u, u in [0, 1) from Philox word i % 4 of block i / 4 (ops/philox.h), in float
// with one fma.
//
//   in[0]: seed i64[1]    in[1]: counter i64[1]    out[0]: f32 (or f64 on the reference device: the same float values)
//   attributes: stream, step_scale, step_offset, low (f32 bits), high (f32 bits)
//   step = counter * step_scale + step_offset
#pragma once
#include "runtime/op.h"

namespace kantor {
void validate_uniform(const Node&);
void reference_uniform(const Node&);
}  // namespace kantor
