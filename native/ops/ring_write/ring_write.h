// ring_write: row (counter % size) of a ring of metrics = the given values, each input's elements in order.
//
//   in[0]: counter i64[1]    in[1..]: f32, W elements in all    out[0]: f32 [size, W]; only that row is written        no attributes
#pragma once
#include "runtime/op.h"

namespace kantor {
void validate_ring_write(const Node&);
void reference_ring_write(const Node&);
}  // namespace kantor
