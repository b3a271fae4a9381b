#include <cmath>

#include "ops/batch_norm/batch_norm.h"
#include "ops/batch_norm/channels.h"
#include "ops/operands.h"

namespace kantor {

void validate_batch_norm(const Node& node) {
  node.expect_at_least(3, 4, 1);
  const Tensor& x = node.in[0];
  const Channels shape = expect_channels(node, x, "x");
  const char* const inputs[] = {"x", "gamma", "beta"};
  const char* const outputs[] = {"mean", "rstd", "var"};
  for (size_t i = 0; i < 3; ++i) {
    expect_real(node, node.in[i], x.dtype, inputs[i]);
    expect_real(node, node.out[i], x.dtype, outputs[i]);
    if (i > 0) node.expect_shape(node.in[i], {shape.c}, inputs[i]);
    node.expect_shape(node.out[i], {shape.c}, outputs[i]);
  }
  expect_eps(node, node.attribute_f32(0));
  size_t position = 1;
  const PwProgram program = PwProgram::decode(node, &position, 3, 3, true);
  if (position != node.attributes.size())
    node.reject("%zu attributes follow the epilogue; expected none", node.attributes.size() - position);
  if (program.rows != shape.n * shape.c || program.cols != shape.hw)
    node.reject("the epilogue is over [%lld, %lld] but x is %s; expected [%lld, %lld]",
                static_cast<long long>(program.rows), static_cast<long long>(program.cols), x.describe().c_str(),
                static_cast<long long>(shape.n * shape.c), static_cast<long long>(shape.hw));
  expect_real(node, node.out[3], x.dtype, "the epilogue's output");
  for (size_t o = 0; o < node.out.size(); ++o)
    for (size_t i = 0; i < (o < 3 ? node.in.size() : 3); ++i)
      expect_apart(node, node.out[o], node.in[i],
                   o < 3 ? "mean, rstd or var and an input" : "an output of the epilogue and x, gamma or beta");
}

void reference_batch_norm(const Node& node) {
  const Tensor& x = node.in[0];
  const Channels shape = Channels::of(x);
  const double eps = static_cast<double>(node.attribute_f32(0)), count = static_cast<double>(shape.n * shape.hw);
  size_t position = 1;
  const PwProgram program = PwProgram::decode(node, &position, 3, 3, true);
  for (int64_t c = 0; c < shape.c; ++c) {
    double mean = 0, variance = 0;
    auto for_all = [&](auto body) {
      for (int64_t row = c; row < program.rows; row += shape.c)
        for (int64_t col = 0; col < shape.hw; ++col) body(row, col, x.get(row * shape.hw + col));
    };
    for_all([&](int64_t, int64_t, double value) { mean += value / count; });
    for_all([&](int64_t, int64_t, double value) { variance += (value - mean) * (value - mean) / count; });
    const double rstd = 1 / std::sqrt(variance + eps);
    for_all([&](int64_t row, int64_t col, double value) {
      const double y = (value - mean) * rstd * node.in[1].get(c) + node.in[2].get(c);
      double registers[kRegisters] = {};
      reference_pointwise_element(program, node.in.data() + 3, node.out.data() + 3, y, row, col, registers);
    });
    node.out[0].set(c, mean);
    node.out[1].set(c, rstd);
    node.out[2].set(c, variance);
  }
}

}  // namespace kantor
