#include <cmath>

#include "ops/row_penalty/row_penalty.h"
#include "ops/sums.h"

namespace kantor::KANTOR_ISA {

// Rows in groups of about 16 Ki elements leave their squared excess in scratch; one task then adds those in order.
void prepare_row_penalty(const Node& node, Plan& plan) {
  int64_t rows = node.in[0].dims[0], cols = node.in[0].dims[1];
  int64_t group = cols < 16384 ? 16384 / cols : 1;
  double weight = static_cast<double>(node.attribute_f32(0)), center = static_cast<double>(node.attribute_f32(1));
  bool one_sided = node.attributes[2] == 1;
  const float* g = node.in[0].f32();
  float* penalty = node.out[0].f32();
  float* gradient = node.out[1].f32();
  float* norms = node.out[2].f32();
  size_t at = plan.scratch(static_cast<size_t>(rows) * sizeof(double));
  plan.phase(static_cast<int>((rows + group - 1) / group), [=](int task, std::byte* scratch) {
    double* squared_excess = reinterpret_cast<double*>(scratch + at);
    int64_t end = (task + 1) * group < rows ? (task + 1) * group : rows;
    for (int64_t r = task * group; r < end; ++r) {
      const float* in = g + r * cols;
      float* out = gradient + r * cols;
      double norm = std::sqrt(sum_of_squares(in, cols)), excess = norm - center;
      if (one_sided && excess < 0) excess = 0;
      float factor = norm == 0 ? 0 : static_cast<float>(2 * weight / static_cast<double>(rows) * excess / norm);
#pragma GCC ivdep
      for (int64_t c = 0; c < cols; ++c) out[c] = factor * in[c];
      norms[r] = static_cast<float>(norm);
      squared_excess[r] = excess * excess;
    }
  });
  plan.phase(1, [=](int, std::byte* scratch) {
    const double* squared_excess = reinterpret_cast<const double*>(scratch + at);
    double sum = 0;
    for (int64_t r = 0; r < rows; ++r) sum += squared_excess[r];
    *penalty = static_cast<float>(weight * sum / static_cast<double>(rows));
  });
}

}  // namespace kantor::KANTOR_ISA
