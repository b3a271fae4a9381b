#include <cmath>

#include "ops/max_pool/max_pool.h"
#include "ops/max_pool/planes.h"

namespace kantor {

void validate_max_pool(const Node& node) {
  node.expect_operands(1, 2);
  expect_attributes(node, 4);
  const Tensor &x = node.in[0], &values = node.out[0], &argmax = node.out[1];
  expect_planes(node, x, "x", values, "the tensor of values", argmax);
  const PoolPlanes s = PoolPlanes::of(x, values);
  const int64_t kh = node.attributes[0], kw = node.attributes[1], sh = node.attributes[2], sw = node.attributes[3];
  if (kh < 1 || kw < 1 || sh < 1 || sw < 1 || kh > s.h || kw > s.w)
    node.reject("windows of %lld x %lld, stride %lld x %lld, do not fit x, %s; expected 1 x 1 to %lld x %lld, stride "
                "1 x 1 or more",
                static_cast<long long>(kh), static_cast<long long>(kw), static_cast<long long>(sh),
                static_cast<long long>(sw), x.describe().c_str(), static_cast<long long>(s.h),
                static_cast<long long>(s.w));
  node.expect_shape(values, {x.dims[0], x.dims[1], (s.h - kh) / sh + 1, (s.w - kw) / sw + 1}, "the tensor of values");
  expect_apart(node, values, x, "the values and x");
  expect_apart(node, argmax, x, "the argmax and x");
}

void reference_max_pool(const Node& node) {
  const Tensor& x = node.in[0];
  const PoolPlanes s = PoolPlanes::of(x, node.out[0]);
  for (int64_t at = 0; at < s.count * s.p * s.q; ++at) {
    const int64_t plane = at / (s.p * s.q), p = at / s.q % s.p, q = at % s.q;
    const int64_t corner = p * node.attributes[2] * s.w + q * node.attributes[3];
    int64_t best = corner;
    for (int64_t r = 0; r < node.attributes[0]; ++r)
      for (int64_t c = 0; c < node.attributes[1]; ++c) {
        const double value = x.get(plane * s.h * s.w + corner + r * s.w + c);
        if (value > x.get(plane * s.h * s.w + best) || std::isnan(value)) best = corner + r * s.w + c;
      }
    node.out[0].set(at, x.get(plane * s.h * s.w + best));
    node.out[1].set(at, static_cast<double>(best));
  }
}

}  // namespace kantor
