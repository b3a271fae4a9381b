// batch_norm (Ioffe, Szegedy 2015) in training: per channel over batch and plane, biased variance,
//   y = (x - mean) * rstd * gamma + beta,  rstd = 1 / sqrt(var + eps)
//
//   x is [N, C] or [N, C, H, W] (HW stands for H*W, 1 for [N, C]), and so is all that is written [N, C, HW] below.
//   in[0]: x [N, C, HW]    in[1]: gamma [C]    in[2]: beta [C]    in[3..]: operands of the epilogue
//   out[0]: mean [C]    out[1]: rstd [C]    out[2]: var [C], biased    out[3..]: the epilogue's stores, each [N, C, HW]
//   attributes: eps (f32 bits), program with rows = N*C, cols = HW; `accumulator` is y's element; no instructions: out[3] = y
// Statistics by blocks of fixed size: mean and centred squares of each block, combined in order (Chan et al. 1979).
#pragma once
#include "ops/pointwise/pointwise.h"

namespace kantor {
void validate_batch_norm(const Node&);
void reference_batch_norm(const Node&);
}  // namespace kantor
