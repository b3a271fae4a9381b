// The shapes that the pooling ops share: planes of H x W beside planes of P x Q.
#pragma once
#include <limits>

#include "ops/operands.h"

namespace kantor {

struct PoolPlanes {
  int64_t count, h, w, p, q;

  static PoolPlanes of(const Tensor& large, const Tensor& small) {
    return {large.dims[0] * large.dims[1], large.dims[2], large.dims[3], small.dims[2], small.dims[3]};
  }
};

// large is [N, C, H, W] and small and index are [N, C, P, Q]; none is empty.
inline void expect_planes(const Node& node, const Tensor& large, const char* large_role, const Tensor& small,
                          const char* small_role, const Tensor& index) {
  expect_real(node, large, large.dtype, large_role);
  expect_real(node, small, large.dtype, small_role);
  node.expect_dtype(index, DType::i32, "the index");
  bool fit = large.rank == 4 && small.rank == 4;
  for (int i = 0; fit && i < 4; ++i)
    fit = large.dims[i] > 0 && small.dims[i] > 0 && (i > 1 || large.dims[i] == small.dims[i]);
  if (!fit)
    node.reject("%s is %s and %s is %s; expected [N, C, H, W] and [N, C, P, Q], none empty", large_role,
                large.describe().c_str(), small_role, small.describe().c_str());
  node.expect_shape(index, {small.dims[0], small.dims[1], small.dims[2], small.dims[3]}, "the index");
  if (large.dims[2] > std::numeric_limits<int32_t>::max() / large.dims[3])
    node.reject("%s is %s; an i32 index cannot name every element of its planes", large_role, large.describe().c_str());
}

}  // namespace kantor
