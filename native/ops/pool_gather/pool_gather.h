// pool_gather: the gradient of pool_scatter. out[n][c][k] = in[0][n][c][index[n][c][k]]; an index outside the plane gives 0.
//
//   in[0]: X [N, C, H, W]    in[1]: index i32 [N, C, P, Q]    out[0]: [N, C, P, Q] (overwritten)    no attributes
#pragma once
#include "runtime/op.h"

namespace kantor {
void validate_pool_gather(const Node&);
void reference_pool_gather(const Node&);
}  // namespace kantor
