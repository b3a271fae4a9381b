#include <cmath>

#include "ops/layer_norm/layer_norm.h"
#include "ops/sums.h"

namespace kantor::KANTOR_ISA {

void prepare_layer_norm(const Node& node, Plan& plan) {
  int64_t rows = node.in[0].dims[0], cols = node.in[0].dims[1];
  int64_t group = cols < 8192 ? 8192 / cols : 1;
  double eps = static_cast<double>(node.attribute_f32(0));
  const float* x = node.in[0].f32();
  const float* gamma = node.in[1].f32();
  const float* beta = node.in[2].f32();
  float* y = node.out[0].f32();
  float* means = node.out[1].f32();
  float* rstds = node.out[2].f32();
  plan.phase(static_cast<int>((rows + group - 1) / group), [=](int task, std::byte*) {
    int64_t end = (task + 1) * group < rows ? (task + 1) * group : rows;
    for (int64_t r = task * group; r < end; ++r) {
      const float* in = x + r * cols;
      float* out = y + r * cols;
      float mean = static_cast<float>(
          sum_terms(cols, [in](int64_t i, int64_t n) __attribute__((always_inline)) { return load_lanes(in + i, n); }) /
          static_cast<double>(cols));
      double squares = sum_terms(cols, [in, mean](int64_t i, int64_t n) __attribute__((always_inline)) {
        Lanes centred = load_lanes(in + i, n) - mean;
        return centred * centred;
      });
      float rstd = static_cast<float>(1 / std::sqrt(squares / static_cast<double>(cols) + eps));
#pragma GCC ivdep
      for (int64_t c = 0; c < cols; ++c) out[c] = (in[c] - mean) * rstd * gamma[c] + beta[c];
      means[r] = mean;
      rstds[r] = rstd;
    }
  });
}

}  // namespace kantor::KANTOR_ISA
