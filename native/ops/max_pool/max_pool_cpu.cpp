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

// n windows whose first rows begin at x, which is element `corner` of the plane.
[[gnu::always_inline]] inline void pool_pairs(const float* x, int32_t w, int32_t corner, float* values, int32_t* argmax,
                                              int64_t n) {
  const Pairs upper = load_pairs(x, n), lower = load_pairs(x + w, n);
  Vec largest = upper.even;
  IVec offset{};
  auto meet = [&](Vec value, int32_t at) __attribute__((always_inline)) {
    const IVec wins = (value > largest) | (value != value);
    largest = wins ? value : largest;
    offset = wins ? broadcast(at) : offset;
  };
  meet(upper.odd, 1);
  meet(lower.even, w);
  meet(lower.odd, w + 1);
  const IVec index = offset + 2 * lane_numbers() + corner;
  float* index_bits = reinterpret_cast<float*>(argmax);
  if (n == kWidth) {
    store(values, largest);
    store(index_bits, reinterpret_cast<Vec>(index));
  } else {
    store_partial(values, largest, n);
    store_partial(index_bits, reinterpret_cast<Vec>(index), n);
  }
}

void pool_2x2(const PoolPlanes& s, const float* x, float* values, int32_t* argmax) {
  const int32_t w = static_cast<int32_t>(s.w);
  for (int64_t p = 0; p < s.p; ++p, values += s.q, argmax += s.q) {
    const int64_t row = 2 * p * s.w;
    int64_t q = 0;
    for (; q + kWidth <= s.q; q += kWidth)
      pool_pairs(x + row + 2 * q, w, static_cast<int32_t>(row + 2 * q), values + q, argmax + q, kWidth);
    if (q < s.q) pool_pairs(x + row + 2 * q, w, static_cast<int32_t>(row + 2 * q), values + q, argmax + q, s.q - q);
  }
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
    if (pairs) pool_2x2(s, from, values + to, argmax + to);
    else pool_any(s, window, from, values + to, argmax + to);
  });
}

}  // namespace kantor::KANTOR_ISA
