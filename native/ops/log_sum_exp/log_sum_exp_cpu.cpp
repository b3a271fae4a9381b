#include "ops/log_sum_exp/log_sum_exp.h"

#include <algorithm>

#include "ops/tails.h"

namespace kantor::KANTOR_ISA {
namespace {

constexpr int64_t kTaskElements = 4096;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

float largest_of(Vec v) {
  float largest = v[0];
  for (int i = 1; i < kWidth; ++i) largest = v[i] > largest ? v[i] : largest;
  return largest;
}

// The elements from c on, -inf after the row's end.
Vec load_or_none(const float* row, int64_t c, int64_t cols) {
  if (c + kWidth <= cols) return load(row + c);
  return first_lanes(load_partial(row + c, cols - c), cols - c, broadcast(-kInfinity));
}

}  // namespace

// Rows in groups of one vector, whose logarithms are taken together.
void prepare_log_sum_exp(const Node& node, Plan& plan) {
  const int64_t rows = node.in[0].dims[0], cols = node.in[0].dims[1];
  const int64_t group = std::max<int64_t>(1, kTaskElements / cols / kWidth) * kWidth;
  const float* x = node.in[0].f32();
  float* out = node.out[0].f32();
  plan.phase(static_cast<int>((rows + group - 1) / group), [=](int task, std::byte*) {
    const int64_t end = std::min(rows, (task + 1) * group);
    for (int64_t first = task * group; first < end; first += kWidth) {
      const int64_t n = std::min<int64_t>(kWidth, end - first);
      Vec shift{}, total = broadcast(1.0f);
      for (int64_t r = 0; r < n; ++r) {
        const float* row = x + (first + r) * cols;
        Vec most = broadcast(-kInfinity);
        for (int64_t c = 0; c < cols; c += kWidth) most = max(load_or_none(row, c, cols), most);
        float largest = largest_of(most);
        if (largest == kInfinity || largest == -kInfinity) largest = 0;  // the sum then is infinite or 0, as is right
        Vec terms{};
        for (int64_t c = 0; c < cols; c += kWidth) terms += exp(load_or_none(row, c, cols) - largest);
        shift[r] = largest;
        total[r] = sum(terms);
      }
      store_partial(out + first, shift + log(total), n);
    }
  });
}

}  // namespace kantor::KANTOR_ISA
