#include "ops/batch_stats/batch_stats.h"

#include <cmath>

#include "ops/batch_norm/channels.h"
#include "ops/operands.h"

namespace kantor {

void validate_batch_stats(const Node& node) {
  node.expect_operands(3, 5);
  expect_attributes(node, 1);
  const Tensor& x = node.in[0];
  const Channels shape = expect_channels(node, x, "x");
  expect_real(node, x, x.dtype, "x");
  const char* const outputs[] = {"mean", "rstd", "var", "scale", "shift"};
  for (size_t i = 1; i < 3; ++i) {
    const char* role = i == 1 ? "gamma" : "beta";
    expect_real(node, node.in[i], x.dtype, role);
    node.expect_shape(node.in[i], {shape.c}, role);
  }
  for (size_t i = 0; i < 5; ++i) {
    expect_real(node, node.out[i], x.dtype, outputs[i]);
    node.expect_shape(node.out[i], {shape.c}, outputs[i]);
    for (const Tensor& in : node.in) expect_apart(node, node.out[i], in, "an output and an input");
  }
  expect_eps(node, node.attribute_f32(0));
}

void reference_batch_stats(const Node& node) {
  const Tensor& x = node.in[0];
  const Channels shape = Channels::of(x);
  const double count = static_cast<double>(shape.n * shape.hw);
  for (int64_t c = 0; c < shape.c; ++c) {
    double mean = 0, variance = 0;
    auto for_all = [&](auto body) {
      for (int64_t row = c; row < shape.n * shape.c; row += shape.c)
        for (int64_t i = row * shape.hw; i < (row + 1) * shape.hw; ++i) body(x.get(i));
    };
    for_all([&](double value) { mean += value / count; });
    for_all([&](double value) { variance += (value - mean) * (value - mean) / count; });
    node.out[0].set(c, mean);
    const double rstd = 1 / std::sqrt(variance + static_cast<double>(node.attribute_f32(0)));
    node.out[1].set(c, rstd);
    node.out[2].set(c, variance);
    node.out[3].set(c, node.in[1].get(c) * rstd);
    node.out[4].set(c, node.in[2].get(c) - mean * node.out[3].get(c));
  }
}

}  // namespace kantor
