// copy: copies a box of any type; slices, padding and concatenation are made of it.
//
//   in[0]: source    out[0]: destination, the same type; written only inside the box. They do not overlap.
//   attributes: rank, {size, source stride, destination stride} * rank (outermost first), source offset, destination offset,
//               fill (1: the destination outside the box is set to zero first)
//   Strides and offsets count elements; a source stride may be 0 (broadcast). The box must lie inside both tensors.
#pragma once
#include "runtime/op.h"

namespace kantor {
void validate_copy(const Node&);
void reference_copy(const Node&);
}  // namespace kantor
