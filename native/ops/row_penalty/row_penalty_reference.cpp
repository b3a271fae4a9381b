#include <cmath>

#include "ops/operands.h"
#include "ops/row_penalty/row_penalty.h"

namespace kantor {

void validate_row_penalty(const Node& node) {
  node.expect_operands(1, 3);
  expect_attributes(node, 3);
  const Tensor& g = node.in[0];
  expect_matrix(node, g, "the gradient");
  expect_real(node, g, g.dtype, "the gradient");
  expect_real(node, node.out[0], g.dtype, "the penalty");
  if (node.out[0].count() != 1) node.reject("the penalty is %s; expected one element", node.out[0].describe().c_str());
  expect_real(node, node.out[1], g.dtype, "the penalty's gradient");
  node.expect_shape(node.out[1], {g.dims[0], g.dims[1]}, "the penalty's gradient");
  expect_real(node, node.out[2], g.dtype, "the norms");
  node.expect_shape(node.out[2], {g.dims[0]}, "the norms");
  expect_apart(node, node.out[0], g, "the penalty and the gradient");
  expect_apart(node, node.out[2], g, "the norms and the gradient");
  float weight = node.attribute_f32(0), center = node.attribute_f32(1);
  if (!std::isfinite(weight) || !std::isfinite(center))
    node.reject("weight %g and center %g must be finite", static_cast<double>(weight), static_cast<double>(center));
  if (node.attributes[2] != 0 && node.attributes[2] != 1)
    node.reject("one_sided is %lld; expected 0 or 1", static_cast<long long>(node.attributes[2]));
}

void reference_row_penalty(const Node& node) {
  const Tensor& g = node.in[0];
  int64_t rows = g.dims[0], cols = g.dims[1];
  double weight = static_cast<double>(node.attribute_f32(0)), center = static_cast<double>(node.attribute_f32(1));
  double penalty = 0;
  for (int64_t r = 0; r < rows; ++r) {
    double squares = 0;
    for (int64_t c = 0; c < cols; ++c) squares += g.get(r * cols + c) * g.get(r * cols + c);
    double norm = std::sqrt(squares), excess = norm - center;
    if (node.attributes[2] == 1 && excess < 0) excess = 0;
    double factor = norm == 0 ? 0 : 2 * weight / static_cast<double>(rows) * excess / norm;
    for (int64_t c = 0; c < cols; ++c) node.out[1].set(r * cols + c, factor * g.get(r * cols + c));
    node.out[2].set(r, norm);
    penalty += excess * excess;
  }
  node.out[0].set(0, weight * penalty / static_cast<double>(rows));
}

}  // namespace kantor
