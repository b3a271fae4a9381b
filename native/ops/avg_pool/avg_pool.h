// avg_pool: factor times the sum of each window; the windows lie side by side. The average where factor is 1 / (KH KW).
//
//   out[0][n][c][p][q] = factor * sum over r < KH, s < KW of X[n][c][p KH + r][q KW + s]
//
//   in[0]: X [N, C, H, W]    out[0]: [N, C, H / KH, W / KW] (overwritten; apart from X)
//   attributes: KH, KW, factor (f32 bits)
// Rows and columns that fill no window count for nothing. Its gradient is upsample_nearest, and the other way round. The
// order of the sums depends on the shape alone.
#pragma once
#include "runtime/op.h"

namespace kantor {
void validate_avg_pool(const Node&);
void reference_avg_pool(const Node&);
}  // namespace kantor
