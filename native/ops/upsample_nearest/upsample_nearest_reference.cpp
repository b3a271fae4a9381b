#include "ops/upsample_nearest/upsample_nearest.h"

#include "ops/avg_pool/windows.h"

namespace kantor {

void validate_upsample_nearest(const Node& node) { expect_windows(node, false); }

void reference_upsample_nearest(const Node& node) {
  const Tensor &x = node.in[0], &out = node.out[0];
  const PoolPlanes s = PoolPlanes::of(out, x);
  const double factor = node.attribute_f32(2);
  for (int64_t at = 0; at < out.count(); ++at) {
    const int64_t plane = at / (s.h * s.w), p = at / s.w % s.h / node.attributes[0], q = at % s.w / node.attributes[1];
    out.set(at, p < s.p && q < s.q ? factor * x.get((plane * s.p + p) * s.q + q) : 0);
  }
}

}  // namespace kantor
