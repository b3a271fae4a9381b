// batch_indices: which samples a batch holds. The order of an epoch is a keyed bijection of [0, count), so reshuffling
// costs nothing and any position can be computed on its own.
//
//   batch b   = counter * step_scale + step_offset          (the running number of the batch)
//   per epoch = count / n batches; the remainder of the data is dropped     (n <= count)
//   epoch     = b / per epoch, position of element i = (b % per epoch) * n + i
//   out[0][i] = permute(position; seed, epoch, count)
//
// permute: a balanced Feistel network over the smallest even number of bits that covers count, at least 2, six rounds,
// round function = first word of philox(right half, 0x5045524Du + round, epoch, seed) masked to half the bits; cycle
// walking (apply again while the result is >= count). Integers only: equal on every device.
//
//   in[0]: seed i64[1]    in[1]: counter i64[1]    out[0]: i32[n]
//   attributes: count, step_scale, step_offset
#pragma once
#include "runtime/op.h"

namespace kantor {
void validate_batch_indices(const Node&);
void reference_batch_indices(const Node&);
}  // namespace kantor
