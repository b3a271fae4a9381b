#include "ops/layer_norm_grad/layer_norm_grad.h"
#include "ops/operands.h"

namespace kantor {

void validate_layer_norm_grad(const Node& node) {
  node.expect_operands(5, 3);
  expect_attributes(node, 0);
  const Tensor& dy = node.in[0];
  expect_matrix(node, dy, "dy");
  for (const Tensor& t : node.in) expect_real(node, t, dy.dtype, "an input");
  for (const Tensor& t : node.out) expect_real(node, t, dy.dtype, "an output");
  node.expect_shape(node.in[1], {dy.dims[0], dy.dims[1]}, "x");
  node.expect_shape(node.in[2], {dy.dims[1]}, "gamma");
  node.expect_shape(node.in[3], {dy.dims[0]}, "mean");
  node.expect_shape(node.in[4], {dy.dims[0]}, "rstd");
  node.expect_shape(node.out[0], {dy.dims[0], dy.dims[1]}, "dx");
  node.expect_shape(node.out[1], {dy.dims[1]}, "dgamma");
  node.expect_shape(node.out[2], {dy.dims[1]}, "dbeta");
  for (const Tensor& out : node.out)
    for (const Tensor& in : node.in)
      if (&out != &node.out[0] || &in != &dy)
        expect_apart(node, out, in, "an output and an input other than dx and dy");
}

void reference_layer_norm_grad(const Node& node) {
  const Tensor &dy = node.in[0], &x = node.in[1], &gamma = node.in[2];
  int64_t rows = dy.dims[0], cols = dy.dims[1];
  std::vector<double> dgamma(static_cast<size_t>(cols)), dbeta(static_cast<size_t>(cols));
  for (int64_t r = 0; r < rows; ++r) {
    double mean = node.in[3].get(r), rstd = node.in[4].get(r), mean_h = 0, mean_hx = 0;
    for (int64_t c = 0; c < cols; ++c) {
      double g = dy.get(r * cols + c), xhat = (x.get(r * cols + c) - mean) * rstd, h = g * gamma.get(c);
      mean_h += h / static_cast<double>(cols);
      mean_hx += h * xhat / static_cast<double>(cols);
      dgamma[static_cast<size_t>(c)] += g * xhat;
      dbeta[static_cast<size_t>(c)] += g;
    }
    for (int64_t c = 0; c < cols; ++c) {
      double xhat = (x.get(r * cols + c) - mean) * rstd, h = dy.get(r * cols + c) * gamma.get(c);
      node.out[0].set(r * cols + c, rstd * (h - mean_h - xhat * mean_hx));
    }
  }
  for (int64_t c = 0; c < cols; ++c) {
    node.out[1].set(c, dgamma[static_cast<size_t>(c)]);
    node.out[2].set(c, dbeta[static_cast<size_t>(c)]);
  }
}

}  // namespace kantor
