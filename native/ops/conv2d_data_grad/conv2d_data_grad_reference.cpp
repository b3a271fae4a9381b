#include "ops/conv2d_data_grad/conv2d_data_grad.h"

namespace kantor {
namespace {

constexpr size_t kGeometryWords = 6;

}  // namespace

void validate_conv2d_data_grad(const Node& node) {
  node.expect_at_least(2, 1, kGeometryWords);
  validate_conv_types(node);
  conv_shape(node, node.out[0], node.in[1], node.in[0]);
  validate_conv_programs(node);
}

double reference_conv_data_grad_sum(const ConvShape& z, const std::vector<double>& dy, const Tensor& weight, int64_t row,
                                    int64_t col) {
  int64_t n = row / z.c, c = row % z.c, h = col / z.w, w = col % z.w;
  double sum = 0;
  for (int64_t r = 0; r < z.r; ++r)
    for (int64_t s = 0; s < z.s; ++s) {
      int64_t down = h + z.ph - r * z.dh, right = w + z.pw - s * z.dw;
      if (down < 0 || right < 0 || down % z.sh != 0 || right % z.sw != 0) continue;
      int64_t p = down / z.sh, q = right / z.sw;
      if (p >= z.p || q >= z.q) continue;
      for (int64_t o = 0; o < z.o; ++o)
        sum += dy[((n * z.o + o) * z.p + p) * z.q + q] * weight.get(((o * z.c + c) * z.r + r) * z.s + s);
    }
  return sum;
}

void reference_conv2d_data_grad(const Node& node) {
  const Tensor &dy = node.in[0], &weight = node.in[1];
  ConvShape z = conv_shape(node, node.out[0], weight, dy);
  const ConvPrograms programs = ConvPrograms::decode(node);
  const std::vector<double> elements = reference_conv_operand(node, 0, programs.prologue);
  for (int64_t row = 0; row < z.n * z.c; ++row)
    for (int64_t col = 0; col < z.h * z.w; ++col) {
      const double sum = reference_conv_data_grad_sum(z, elements, weight, row, col);
      double registers[kRegisters] = {};
      reference_pointwise_element(programs.epilogue, node.in.data() + programs.epilogue_in, node.out.data(), sum, row,
                                  col, registers);
    }
}

}  // namespace kantor
