// copy: copies a box of any type; slices, padding and concatenation are made of it.
//
//   in[0]: source    out[0]: destination, the same type; written only inside the box. They do not overlap.
//   attributes: rank, {size, source stride, destination stride} * rank (outermost first), source offset,
//               destination offset, fill (1: the destination outside the box is set to zero first)
//   Strides and offsets count elements; a source stride may be 0 (broadcast). The box must lie inside both tensors.
//   A source stride may be negative; destination strides are positive and reach no element twice (sorted by stride,
//   each dimension steps over all that the smaller ones span).
#pragma once
#include "runtime/op.h"

namespace kantor {

// The attributes of a copy, as they are.
struct CopyBox {
  struct Dimension {
    int64_t size, source_stride, destination_stride;
  };
  explicit CopyBox(const Node& node);  // trusts the node: validate_copy was here
  int64_t count() const;
  int rank;
  Dimension dims[kMaxRank];
  int64_t source_offset, destination_offset;
  bool fill;
};

void validate_copy(const Node&);
void reference_copy(const Node&);
}  // namespace kantor
