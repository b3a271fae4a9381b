// histogram: out[0][b] = how many elements fall into bin b of [low, high]; the last bin includes high; out-of-range
// elements go to the first and last bin, NaN to none.
//
//   bin of x = floor((x - low) * (bins / (high - low))) in double, equal on every device
//
//   in[0]: f32, any shape    out[0]: i64 [bins], 1 to 65536    attributes: low (f32 bits), high (f32 bits)
#pragma once
#include "runtime/op.h"

namespace kantor {
constexpr int kMaxHistogramBins = 65536;
void validate_histogram(const Node&);
void reference_histogram(const Node&);
}  // namespace kantor
