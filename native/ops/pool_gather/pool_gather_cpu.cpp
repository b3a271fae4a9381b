#include "ops/pool_gather/pool_gather.h"

#include "ops/max_pool/pairs.h"

namespace kantor::KANTOR_ISA {
namespace {

void gather_any(const PoolPlanes& s, const float* x, const int32_t* index, float* out) {
  const uint32_t size = static_cast<uint32_t>(s.h * s.w);
  for (int64_t k = 0; k < s.p * s.q; ++k) out[k] = static_cast<uint32_t>(index[k]) < size ? x[index[k]] : 0;
}

// False where an index lies outside its window: then out is not what it should be.
bool gather_2x2(const PoolPlanes& s, const float* x, const int32_t* index, float* out) {
  const int32_t w = static_cast<int32_t>(s.w);
  IVec stray{};
  for_windows(s, [&](int64_t window, int64_t corner, int64_t n, int64_t reach) __attribute__((always_inline)) {
    const Places at = find_places(index + window, w, static_cast<int32_t>(corner), n, reach);
    const Pairs upper = load_pairs(x + corner, reach), lower = load_pairs(x + corner + w, reach);
    const Vec even = at.lower ? lower.even : upper.even, odd = at.lower ? lower.odd : upper.odd;
    store_first(out + window, at.odd ? odd : even, reach);
    stray |= at.stray;
  });
  return !any(stray);
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
