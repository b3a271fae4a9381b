#include <cmath>

#include "ops/layer_norm/layer_norm.h"
#include "ops/operands.h"

namespace kantor {

void validate_layer_norm(const Node& node) {
  node.expect_operands(3, 3);
  expect_attributes(node, 1);
  const Tensor& x = node.in[0];
  expect_matrix(node, x, "x");
  for (const Tensor& t : node.in) expect_real(node, t, x.dtype, "an input");
  for (const Tensor& t : node.out) expect_real(node, t, x.dtype, "an output");
  node.expect_shape(node.in[1], {x.dims[1]}, "gamma");
  node.expect_shape(node.in[2], {x.dims[1]}, "beta");
  node.expect_shape(node.out[0], {x.dims[0], x.dims[1]}, "y");
  node.expect_shape(node.out[1], {x.dims[0]}, "mean");
  node.expect_shape(node.out[2], {x.dims[0]}, "rstd");
  for (const Tensor& out : node.out)
    for (const Tensor& in : node.in)
      if (&out != &node.out[0] || &in != &x)
        expect_apart(node, out, in, "an output and an input other than y and x");
  float eps = node.attribute_f32(0);
  if (!(eps >= 0) || !std::isfinite(eps))
    node.reject("eps is %g; expected a finite number >= 0", static_cast<double>(eps));
}

void reference_layer_norm(const Node& node) {
  const Tensor& x = node.in[0];
  int64_t rows = x.dims[0], cols = x.dims[1];
  double eps = static_cast<double>(node.attribute_f32(0));
  for (int64_t r = 0; r < rows; ++r) {
    double mean = 0, variance = 0;
    for (int64_t c = 0; c < cols; ++c) mean += x.get(r * cols + c);
    mean /= static_cast<double>(cols);
    for (int64_t c = 0; c < cols; ++c) variance += (x.get(r * cols + c) - mean) * (x.get(r * cols + c) - mean);
    variance /= static_cast<double>(cols);
    double rstd = 1 / std::sqrt(variance + eps);
    for (int64_t c = 0; c < cols; ++c)
      node.out[0].set(r * cols + c, (x.get(r * cols + c) - mean) * rstd * node.in[1].get(c) + node.in[2].get(c));
    node.out[1].set(r, mean);
    node.out[2].set(r, rstd);
  }
}

}  // namespace kantor
