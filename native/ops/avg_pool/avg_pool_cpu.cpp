#include "ops/avg_pool/avg_pool.h"

#include "ops/max_pool/pairs.h"

namespace kantor::KANTOR_ISA {
namespace {

constexpr int64_t kColumns = 1024;  // that are summed down the rows of their windows at a time

// First down the rows, whose columns are vectors, then across.
void pool_any(const PoolPlanes& s, int64_t kh, int64_t kw, float factor, const float* x, float* out) {
  for (int64_t p = 0; p < s.p; ++p, out += s.q) {
    std::fill_n(out, s.q, 0.0f);
    for (int64_t first = 0; first < s.q * kw; first += kColumns) {
      const float* row = x + p * kh * s.w + first;
      const int64_t count = std::min(kColumns, s.q * kw - first);
      float sums[kColumns];
      std::copy_n(row, count, sums);
      for (int64_t r = 1; r < kh; ++r) {
        row += s.w;
        for (int64_t i = 0; i < count; ++i) sums[i] += row[i];
      }
      float* window = out + first / kw;
      for (int64_t i = 0, end = kw - first % kw; i < count; end += kw, ++window) {
        float sum = *window;
        for (const int64_t stop = std::min(end, count); i < stop; ++i) sum += sums[i];
        *window = sum;
      }
    }
    for (int64_t q = 0; q < s.q; ++q) out[q] *= factor;
  }
}

void pool_2x2(const PoolPlanes& s, float factor, const float* x, float* out) {
  for_windows(s, [&](int64_t window, int64_t corner, int64_t, int64_t reach) __attribute__((always_inline)) {
    const Pairs upper = load_pairs(x + corner, reach), lower = load_pairs(x + corner + s.w, reach);
    store_first(out + window, factor * ((upper.even + upper.odd) + (lower.even + lower.odd)), reach);
  });
}

}  // namespace

void prepare_avg_pool(const Node& node, Plan& plan) {
  const PoolPlanes s = PoolPlanes::of(node.in[0], node.out[0]);
  const int64_t kh = node.attributes[0], kw = node.attributes[1];
  const float factor = node.attribute_f32(2);
  const float* x = node.in[0].f32();
  float* out = node.out[0].f32();
  plan_planes(s, plan, [=](int64_t plane) {
    const float* from = x + plane * s.h * s.w;
    float* to = out + plane * s.p * s.q;
    if (kh == 2 && kw == 2)
      pool_2x2(s, factor, from, to);
    else
      pool_any(s, kh, kw, factor, from, to);
  });
}

}  // namespace kantor::KANTOR_ISA
