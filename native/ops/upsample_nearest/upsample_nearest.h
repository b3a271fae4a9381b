// upsample_nearest: each element times factor, repeated over a window of KH x KW.
//
//   out[0][n][c][h][w] = factor * X[n][c][h / KH][w / KW]
//
//   in[0]: X [N, C, P, Q]    out[0]: [N, C, H, W] (overwritten; apart from X), P = H / KH, Q = W / KW, rounded down
//   attributes: KH, KW, factor (f32 bits)
// Elements beyond the last whole window become 0. Its gradient is avg_pool, and the other way round. Nothing is summed.
#pragma once
#include "runtime/op.h"

namespace kantor {
void validate_upsample_nearest(const Node&);
void reference_upsample_nearest(const Node&);
}  // namespace kantor
