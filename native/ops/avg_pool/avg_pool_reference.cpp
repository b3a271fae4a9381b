#include "ops/avg_pool/avg_pool.h"

#include "ops/avg_pool/windows.h"

namespace kantor {

void validate_avg_pool(const Node& node) { expect_windows(node, true); }

void reference_avg_pool(const Node& node) {
  const Tensor& x = node.in[0];
  const PoolPlanes s = PoolPlanes::of(x, node.out[0]);
  const int64_t kh = node.attributes[0], kw = node.attributes[1];
  const double factor = node.attribute_f32(2);
  for (int64_t at = 0; at < s.count * s.p * s.q; ++at) {
    const int64_t plane = at / (s.p * s.q), p = at / s.q % s.p, q = at % s.q;
    double sum = 0;
    for (int64_t r = 0; r < kh; ++r)
      for (int64_t c = 0; c < kw; ++c) sum += x.get((plane * s.h + p * kh + r) * s.w + q * kw + c);
    node.out[0].set(at, factor * sum);
  }
}

}  // namespace kantor
