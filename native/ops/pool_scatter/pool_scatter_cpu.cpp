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

// Writes both rows of n windows, whose first is element `corner` of the plane; false where an index lies outside its
// window.
[[gnu::always_inline]] inline bool scatter_pairs(const float* dy, const int32_t* index, int32_t w, int32_t corner,
                                                 float* out, int64_t n) {
  const IVec offset = load_index(index, n) - (2 * lane_numbers() + corner);
  const Vec values = n == kWidth ? load(dy) : load_partial(dy, n);
  const IVec a = offset == 0, b = offset == 1, c = offset == w, d = offset == w + 1;
  // 0 + the value, as adding it to a zeroed plane gives: -0 becomes 0.
  auto place = [&](IVec here) __attribute__((always_inline)) { return (here ? values : Vec{}) + Vec{}; };
  store_pairs(out, {place(a), place(b)}, n);
  store_pairs(out + w, {place(c), place(d)}, n);
  return !any(~(a | b | c | d) & (lane_numbers() < static_cast<int32_t>(n)));
}

bool scatter_2x2(const PoolPlanes& s, const float* dy, const int32_t* index, float* out) {
  const int32_t w = static_cast<int32_t>(s.w);
  for (int64_t p = 0; p < s.p; ++p, dy += s.q, index += s.q) {
    const int64_t row = 2 * p * s.w;
    float* to = out + row;
    int64_t q = 0;
    for (; q + kWidth <= s.q; q += kWidth)
      if (!scatter_pairs(dy + q, index + q, w, static_cast<int32_t>(row + 2 * q), to + 2 * q, kWidth)) return false;
    if (q < s.q && !scatter_pairs(dy + q, index + q, w, static_cast<int32_t>(row + 2 * q), to + 2 * q, s.q - q))
      return false;
    if (s.w % 2 != 0) to[s.w - 1] = to[2 * s.w - 1] = 0;
  }
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
