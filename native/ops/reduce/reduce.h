// reduce: a pointwise program whose result is summed.
//
//   in:  the program's operands    out[0]: the sums (overwritten)    out[1..]: the program's stores, if it has any
//   attributes: kind, scale (f32 bits), result register, channels, program
//
//   kind 0  all:      out[0] = scale * sum over rows and cols                   1 element
//   kind 1  rows:     out[0][r] = scale * sum over cols                         rows elements
//   kind 2  columns:  out[0][c] = scale * sum over rows                         cols elements
//   kind 3  channels: out[0][k] = scale * sum over cols and rows with row % channels == k     (rows = N * channels)
//
// `channels` is 1 but for kind 3, where it divides rows. out[0] overlaps nothing else; the stores are as pointwise
// allows.
//
// The order of every sum is fixed by the shape alone (blocks of a fixed size, partial sums added in order): two runs,
// and any number of threads, agree bit for bit. Blocks of at most 512 elements are summed in several float lanes, the
// blocks' sums in double. With x the exact values of the result register, u = 2^-24: |out - scale * sum x| <= |scale|
// * kSumError * u * sum |x|, plus the rounding of the result and of the x themselves.
#pragma once
#include "ops/pointwise/pointwise.h"

namespace kantor {
enum class ReduceKind : int64_t { all = 0, rows = 1, columns = 2, channels = 3 };
constexpr double kSumError = 130;  // additions in one float lane, at most
void validate_reduce(const Node&);
void reference_reduce(const Node&);
}  // namespace kantor
