#include <algorithm>

#include "ops/max_pool/planes.h"
#include "ops/pool_scatter/pool_scatter.h"

namespace kantor {

void validate_pool_scatter(const Node& node) {
  node.expect_operands(2, 1);
  expect_attributes(node, 0);
  expect_planes(node, node.out[0], "the output", node.in[0], "dY", node.in[1]);
  expect_apart(node, node.out[0], node.in[0], "the output and dY");
  expect_apart(node, node.out[0], node.in[1], "the output and the index");
}

void reference_pool_scatter(const Node& node) {
  const Tensor &dy = node.in[0], &index = node.in[1], &out = node.out[0];
  const PoolPlanes s = PoolPlanes::of(out, dy);
  std::vector<double> plane(static_cast<size_t>(s.h * s.w));
  for (int64_t i = 0; i < s.count; ++i) {
    std::fill(plane.begin(), plane.end(), 0);
    for (int64_t k = i * s.p * s.q; k < (i + 1) * s.p * s.q; ++k) {
      const int64_t at = index.as<int32_t>()[k];
      if (at >= 0 && at < s.h * s.w) plane[static_cast<size_t>(at)] += dy.get(k);
    }
    for (int64_t at = 0; at < s.h * s.w; ++at) out.set(i * s.h * s.w + at, plane[static_cast<size_t>(at)]);
  }
}

}  // namespace kantor
