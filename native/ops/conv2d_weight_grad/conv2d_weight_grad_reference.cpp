#include "ops/conv2d_weight_grad/conv2d_weight_grad.h"
#include "ops/operands.h"

namespace kantor {

WeightGradPrologues WeightGradPrologues::decode(const Node& node) {
  size_t position = 6, next_in = 2;  // past the geometry and the two factors
  WeightGradPrologues prologues;
  prologues.dy = ConvPrologue::decode(node, 0, &position, &next_in);
  prologues.x = ConvPrologue::decode(node, 1, &position, &next_in);
  node.expect_operands(next_in, 1);
  expect_attributes(node, position);
  return prologues;
}

void validate_conv2d_weight_grad(const Node& node) {
  node.expect_at_least(2, 1, 6);
  validate_conv_types(node);
  conv_shape(node, node.in[1], node.out[0], node.in[0]);
  WeightGradPrologues::decode(node);
  for (const Tensor& in : node.in) expect_apart(node, node.out[0], in, "the gradient and an input");
}

void reference_conv2d_weight_grad(const Node& node) {
  const Tensor &dy = node.in[0], &x = node.in[1], &dw = node.out[0];
  ConvShape z = conv_shape(node, x, dw, dy);
  const WeightGradPrologues prologues = WeightGradPrologues::decode(node);
  const std::vector<double> gradient = reference_conv_operand(node, 0, prologues.dy);
  const std::vector<double> source = reference_conv_operand(node, 1, prologues.x);
  for (int64_t i = 0; i < dw.count(); ++i) {
    int64_t s = i % z.s, r = i / z.s % z.r, c = i / z.s / z.r % z.c, o = i / z.s / z.r / z.c;
    double sum = 0;
    for (int64_t n = 0; n < z.n; ++n)
      for (int64_t p = 0; p < z.p; ++p)
        for (int64_t q = 0; q < z.q; ++q) {
          int64_t h = p * z.sh - z.ph + r * z.dh, w = q * z.sw - z.pw + s * z.dw;
          if (h < 0 || h >= z.h || w < 0 || w >= z.w) continue;
          sum += gradient[((n * z.o + o) * z.p + p) * z.q + q] * source[((n * z.c + c) * z.h + h) * z.w + w];
        }
    dw.set(i, sum);
  }
}

}  // namespace kantor
