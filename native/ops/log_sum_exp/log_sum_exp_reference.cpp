#include <cmath>
#include <limits>

#include "ops/log_sum_exp/log_sum_exp.h"
#include "ops/operands.h"

namespace kantor {

void validate_log_sum_exp(const Node& node) {
  node.expect_operands(1, 1);
  expect_attributes(node, 0);
  const Tensor &x = node.in[0], &out = node.out[0];
  expect_matrix(node, x, "x");
  expect_real(node, x, x.dtype, "x");
  expect_real(node, out, x.dtype, "the output");
  node.expect_shape(out, {x.dims[0], 1}, "the output");
  expect_apart(node, out, x, "the output and x");
}

void reference_log_sum_exp(const Node& node) {
  const Tensor& x = node.in[0];
  const int64_t cols = x.dims[1];
  for (int64_t r = 0; r < x.dims[0]; ++r) {
    double largest = -std::numeric_limits<double>::infinity(), sum = 0;
    for (int64_t c = 0; c < cols; ++c) largest = std::fmax(largest, x.get(r * cols + c));
    if (std::isinf(largest)) largest = 0;  // the sum then is 0 or infinite, as is right
    for (int64_t c = 0; c < cols; ++c) sum += std::exp(x.get(r * cols + c) - largest);
    node.out[0].set(r, largest + std::log(sum));
  }
}

}  // namespace kantor
