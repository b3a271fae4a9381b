#include "ops/pool_gather/pool_gather.h"

#include "ops/max_pool/pairs.h"

namespace kantor::KANTOR_ISA {
namespace {

void gather_any(const PoolPlanes& s, const float* x, const int32_t* index, float* out) {
  const uint32_t size = static_cast<uint32_t>(s.h * s.w);
  for (int64_t k = 0; k < s.p * s.q; ++k) out[k] = static_cast<uint32_t>(index[k]) < size ? x[index[k]] : 0;
}

// n windows whose first rows begin at x, element `corner` of the plane; false where an index lies outside its window.
[[gnu::always_inline]] inline bool gather_pairs(const float* x, const int32_t* index, int32_t w, int32_t corner,
                                                float* out, int64_t n) {
  const IVec offset = load_index(index, n) - (2 * lane_numbers() + corner);
  const Pairs upper = load_pairs(x, n), lower = load_pairs(x + w, n);
  const IVec a = offset == 0, b = offset == 1, c = offset == w, d = offset == w + 1;
  const Vec values = a ? upper.even : b ? upper.odd : c ? lower.even : lower.odd;
  if (n == kWidth) store(out, values);
  else store_partial(out, values, n);
  return !any(~(a | b | c | d) & (lane_numbers() < static_cast<int32_t>(n)));
}

bool gather_2x2(const PoolPlanes& s, const float* x, const int32_t* index, float* out) {
  const int32_t w = static_cast<int32_t>(s.w);
  for (int64_t p = 0; p < s.p; ++p, index += s.q, out += s.q) {
    const int64_t row = 2 * p * s.w;
    const float* from = x + row;
    int64_t q = 0;
    for (; q + kWidth <= s.q; q += kWidth)
      if (!gather_pairs(from + 2 * q, index + q, w, static_cast<int32_t>(row + 2 * q), out + q, kWidth)) return false;
    if (q < s.q && !gather_pairs(from + 2 * q, index + q, w, static_cast<int32_t>(row + 2 * q), out + q, s.q - q))
      return false;
  }
  return true;
}

}  // namespace

void prepare_pool_gather(const Node& node, Plan& plan) {
  const PoolPlanes s = PoolPlanes::of(node.in[0], node.out[0]);
  const float* x = node.in[0].f32();
  const int32_t* index = node.in[1].as<int32_t>();
  float* out = node.out[0].f32();
  plan_planes(s, plan, [=](int64_t plane) {
    const int64_t from = plane * s.h * s.w, to = plane * s.p * s.q;
    if (!halves(s) || !gather_2x2(s, x + from, index + to, out + to)) gather_any(s, x + from, index + to, out + to);
  });
}

}  // namespace kantor::KANTOR_ISA
