#include "ops/max_pool/max_pool.h"

#include <array>

#include "ops/max_pool/pairs.h"

namespace kantor::KANTOR_ISA {
namespace {

void pool_any(const PoolPlanes& s, const std::array<int64_t, 4>& window, const float* x, float* values,
              int32_t* argmax) {
  for (int64_t p = 0; p < s.p; ++p)
    for (int64_t q = 0; q < s.q; ++q) {
      const int64_t corner = p * window[2] * s.w + q * window[3];
      int64_t best = corner;
      float largest = x[corner];
      for (int64_t r = 0; r < window[0]; ++r)
        for (int64_t c = 0; c < window[1]; ++c) {
          const int64_t at = corner + r * s.w + c;
          const float value = x[at];
          if (!(value > largest) && value == value) continue;
          largest = value;
          best = at;
        }
      *values++ = largest;
      *argmax++ = static_cast<int32_t>(best);
    }
}

// False where the plane has a NaN, or an infinity: then argmax may not be what it should be.
bool pool_2x2(const PoolPlanes& s, const float* x, float* values, int32_t* argmax) {
  const int32_t w = static_cast<int32_t>(s.w);
  Vec poison{};
  for_windows(s, [&](int64_t window, int64_t corner, int64_t, int64_t reach) __attribute__((always_inline)) {
    const Pairs upper = load_pairs(x + corner, reach), lower = load_pairs(x + corner + w, reach);
    // The first of equals.
    const IVec upper_odd = upper.odd > upper.even, lower_odd = lower.odd > lower.even;
    const Vec upper_most = upper_odd ? upper.odd : upper.even, lower_most = lower_odd ? lower.odd : lower.even;
    const IVec below = lower_most > upper_most;
    const IVec upper_offset = upper_odd & 1, lower_offset = (lower_odd & 1) + w;
    const IVec index = (below ? lower_offset : upper_offset) + (2 * lane_numbers() + static_cast<int32_t>(corner));
    const Vec largest = below ? lower_most : upper_most;
    poison = fma((upper.even + upper.odd) + (lower.even + lower.odd), 0.0f, poison);
    store_first(values + window, largest, reach);
    store_first(reinterpret_cast<float*>(argmax + window), reinterpret_cast<Vec>(index), reach);
  });
  return !any(poison != poison);
}

}  // namespace

void prepare_max_pool(const Node& node, Plan& plan) {
  const PoolPlanes s = PoolPlanes::of(node.in[0], node.out[0]);
  const float* x = node.in[0].f32();
  float* values = node.out[0].f32();
  int32_t* argmax = node.out[1].as<int32_t>();
  const auto& a = node.attributes;
  const bool pairs = a[0] == 2 && a[1] == 2 && a[2] == 2 && a[3] == 2;
  plan_planes(s, plan, [=, window = std::to_array({a[0], a[1], a[2], a[3]})](int64_t plane) {
    const float* from = x + plane * s.h * s.w;
    const int64_t to = plane * s.p * s.q;
    if (!pairs || !pool_2x2(s, from, values + to, argmax + to))
      pool_any(s, window, from, values + to, argmax + to);
  });
}

}  // namespace kantor::KANTOR_ISA
