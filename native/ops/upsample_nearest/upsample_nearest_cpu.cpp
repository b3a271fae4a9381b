#include "ops/upsample_nearest/upsample_nearest.h"

#include "ops/max_pool/pairs.h"

namespace kantor::KANTOR_ISA {
namespace {

void upsample_any(const PoolPlanes& s, int64_t kh, int64_t kw, float factor, const float* x, float* out) {
  for (int64_t p = 0; p < s.p; ++p) {
    float* row = out + p * kh * s.w;
    for (int64_t q = 0; q < s.q; ++q) std::fill_n(row + q * kw, kw, factor * x[p * s.q + q]);
    std::fill_n(row + s.q * kw, s.w - s.q * kw, 0.0f);
    for (int64_t r = 1; r < kh; ++r) std::copy_n(row, s.w, row + r * s.w);
  }
}

void upsample_2x2(const PoolPlanes& s, float factor, const float* x, float* out) {
  for_windows(s, [&](int64_t window, int64_t corner, int64_t, int64_t reach) __attribute__((always_inline)) {
    const Vec value = factor * load_first(x + window, reach);
    store_pairs(out + corner, {value, value}, reach);
    store_pairs(out + corner + s.w, {value, value}, reach);
  });
  if (s.w % 2 != 0)
    for (int64_t row = 0; row < 2 * s.p; ++row) out[row * s.w + s.w - 1] = 0;
}

}  // namespace

void prepare_upsample_nearest(const Node& node, Plan& plan) {
  const PoolPlanes s = PoolPlanes::of(node.out[0], node.in[0]);
  const int64_t kh = node.attributes[0], kw = node.attributes[1];
  const float factor = node.attribute_f32(2);
  const float* x = node.in[0].f32();
  float* out = node.out[0].f32();
  plan_planes(s, plan, [=](int64_t plane) {
    const float* from = x + plane * s.p * s.q;
    float* to = out + plane * s.h * s.w;
    if (kh == 2 && kw == 2)
      upsample_2x2(s, factor, from, to);
    else
      upsample_any(s, kh, kw, factor, from, to);
    const int64_t used = s.p * kh;
    std::fill_n(to + used * s.w, (s.h - used) * s.w, 0.0f);
  });
}

}  // namespace kantor::KANTOR_ISA
