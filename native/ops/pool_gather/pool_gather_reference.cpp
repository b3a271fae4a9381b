#include "ops/max_pool/planes.h"
#include "ops/pool_gather/pool_gather.h"

namespace kantor {

void validate_pool_gather(const Node& node) {
  node.expect_operands(2, 1);
  expect_attributes(node, 0);
  expect_planes(node, node.in[0], "x", node.out[0], "the output", node.in[1]);
  expect_apart(node, node.out[0], node.in[0], "the output and x");
  expect_apart(node, node.out[0], node.in[1], "the output and the index");
}

void reference_pool_gather(const Node& node) {
  const Tensor &x = node.in[0], &index = node.in[1], &out = node.out[0];
  const PoolPlanes s = PoolPlanes::of(x, out);
  for (int64_t k = 0; k < out.count(); ++k) {
    const int64_t at = index.as<int32_t>()[k];
    out.set(k, at >= 0 && at < s.h * s.w ? x.get(k / (s.p * s.q) * s.h * s.w + at) : 0);
  }
}

}  // namespace kantor
