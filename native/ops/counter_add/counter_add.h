// counter_add: out[0] += amount.    out[0]: i64[1], read and written    attributes: amount
#pragma once
#include "runtime/op.h"

namespace kantor {
void validate_counter_add(const Node&);
void reference_counter_add(const Node&);
}  // namespace kantor
