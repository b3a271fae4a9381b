// normal: out[i] ~ N(0, 1), by Box-Muller on Philox words (ops/philox.h): words (x, y) give elements 0 and 1 of a
// block, words (z, w) elements 2 and 3. u1 = ((x >> 8) + 1) * 2^-24 in (0, 1], u2 = uniform_from_bits(y);
//   r = sqrt(-2 ln u1), element 0 = r * cos(2 pi u2), element 1 = r * sin(2 pi u2).
// ln, sin and cos are polynomials in explicit fma (ops/normal/box_muller.h), shared by every device, so that the bits
// agree.
//
//   in[0]: seed i64[1]    in[1]: counter i64[1]    out[0]: f32 (or f64 on the reference device: the same float values)
//   attributes: stream, step_scale, step_offset        step = counter * step_scale + step_offset
#pragma once
#include "runtime/op.h"

namespace kantor {
void validate_normal(const Node&);
void reference_normal(const Node&);
}  // namespace kantor
