// pool_scatter: the gradient of max_pool. out[n][c][index] = sum of in[0][n][c][k] over the k whose index it is, else 0.
//
//   in[0]: dY [N, C, P, Q]    in[1]: index i32 [N, C, P, Q], into a plane    out[0]: [N, C, H, W] (overwritten)    no attributes
// Within a plane in order of k; an index outside the plane is ignored.
#pragma once
#include "runtime/op.h"

namespace kantor {
void validate_pool_scatter(const Node&);
void reference_pool_scatter(const Node&);
}  // namespace kantor
