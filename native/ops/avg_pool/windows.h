// What avg_pool and upsample_nearest share: windows of KH x KW side by side in planes of H x W, P x Q of them.
#pragma once
#include "ops/max_pool/planes.h"

namespace kantor {

// Attributes KH, KW, factor; of in[0] and out[0], one is large, [N, C, H, W], the other [N, C, H / KH, W / KW].
inline void expect_windows(const Node& node, bool input_is_large) {
  node.expect_operands(1, 1);
  expect_attributes(node, 3);
  const Tensor &large = input_is_large ? node.in[0] : node.out[0], &small = input_is_large ? node.out[0] : node.in[0];
  const char *large_role = input_is_large ? "x" : "the output", *small_role = input_is_large ? "the output" : "x";
  expect_real(node, large, large.dtype, large_role);
  expect_real(node, small, large.dtype, small_role);
  const int64_t kh = node.attributes[0], kw = node.attributes[1];
  if (large.rank != 4 || large.count() < 1 || kh < 1 || kw < 1 || kh > large.dims[2] || kw > large.dims[3])
    node.reject("windows of %lld x %lld do not fit %s, %s; expected [N, C, H, W], not empty, and windows of 1 x 1 to "
                "H x W",
                static_cast<long long>(kh), static_cast<long long>(kw), large_role, large.describe().c_str());
  node.expect_shape(small, {large.dims[0], large.dims[1], large.dims[2] / kh, large.dims[3] / kw}, small_role);
  expect_apart(node, node.out[0], node.in[0], "x and the output");
}

}  // namespace kantor
