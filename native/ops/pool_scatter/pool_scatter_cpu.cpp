#include "ops/pool_scatter/pool_scatter.h"

#include "ops/max_pool/pairs.h"

namespace kantor::KANTOR_ISA {
namespace {

void scatter_any(const PoolPlanes& s, const float* dy, const int32_t* index, float* out) {
  const int64_t size = s.h * s.w;
  std::memset(out, 0, static_cast<size_t>(size) * sizeof(float));
  for (int64_t k = 0; k < s.p * s.q; ++k)
    if (index[k] >= 0 && index[k] < size) out[index[k]] += dy[k];
}

// False where an index lies outside its window: then out is not what it should be.
bool scatter_2x2(const PoolPlanes& s, const float* dy, const int32_t* index, float* out) {
  const int32_t w = static_cast<int32_t>(s.w);
  IVec stray{};
  for_windows(s, [&](int64_t window, int64_t corner, int64_t n, int64_t reach) __attribute__((always_inline)) {
    const Places at = find_places(index + window, w, static_cast<int32_t>(corner), n, reach);
    const Vec values = load_first(dy + window, reach) + Vec{};  // -0 added to 0 is 0
    const Vec upper = at.lower ? Vec{} : values, lower = at.lower ? values : Vec{};
    store_pairs(out + corner, {at.odd ? Vec{} : upper, at.odd ? upper : Vec{}}, reach);
    store_pairs(out + corner + w, {at.odd ? Vec{} : lower, at.odd ? lower : Vec{}}, reach);
    stray |= at.stray;
  });
  if (any(stray)) return false;
  if (s.w % 2 != 0)
    for (int64_t row = 0; row < s.h; ++row) out[row * s.w + s.w - 1] = 0;
  if (s.h % 2 != 0) std::memset(out + (s.h - 1) * s.w, 0, static_cast<size_t>(s.w) * sizeof(float));
  return true;
}

}  // namespace

void prepare_pool_scatter(const Node& node, Plan& plan) {
  const PoolPlanes s = PoolPlanes::of(node.out[0], node.in[0]);
  const float* dy = node.in[0].f32();
  const int32_t* index = node.in[1].as<int32_t>();
  float* out = node.out[0].f32();
  plan_planes(s, plan, [=](int64_t plane) {
    const int64_t from = plane * s.p * s.q, to = plane * s.h * s.w;
    if (!halves(s) || !scatter_2x2(s, dy + from, index + from, out + to))
      scatter_any(s, dy + from, index + from, out + to);
  });
}

}  // namespace kantor::KANTOR_ISA
