// batch_stats: what batch_norm measures, and the map that it then applies, for an x that is normalised while it is read:
// per channel over batch and plane, with M = N * HW,
//   mean = sum x / M    var = sum (x - mean)^2 / M    rstd = 1 / sqrt(var + eps)
//   scale = gamma * rstd    shift = beta - mean * scale    so that batch_norm's y = x * scale + shift
//
//   in: x [N, C] or [N, C, H, W], gamma [C], beta [C]
//   out: mean, rstd, var, scale, shift, each [C] (overwritten, apart from the inputs)
//   attributes: eps (f32 bits)
// shift is rounded once, and goes with the rounded scale: y's error is that of a rounded mean.
// Statistics by blocks of fixed size, as in batch_norm: the same bits for any number of threads.
#pragma once
#include "runtime/op.h"

namespace kantor {
void validate_batch_stats(const Node&);
void reference_batch_stats(const Node&);
}  // namespace kantor
