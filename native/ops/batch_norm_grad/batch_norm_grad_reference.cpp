#include "ops/batch_norm/channels.h"
#include "ops/batch_norm_grad/batch_norm_grad.h"
#include "ops/operands.h"

namespace kantor {

void validate_batch_norm_grad(const Node& node) {
  node.expect_operands(5, 3);
  expect_attributes(node, 0);
  const Tensor &dy = node.in[0], &x = node.in[1];
  const Channels shape = expect_channels(node, x, "x");
  const char* const inputs[] = {"dy", "x", "gamma", "mean", "rstd"};
  const char* const outputs[] = {"dx", "dgamma", "dbeta"};
  for (size_t i = 0; i < 5; ++i) expect_real(node, node.in[i], x.dtype, inputs[i]);
  for (size_t i = 2; i < 5; ++i) node.expect_shape(node.in[i], {shape.c}, inputs[i]);
  for (size_t i = 0; i < 3; ++i) expect_real(node, node.out[i], x.dtype, outputs[i]);
  for (size_t i = 1; i < 3; ++i) node.expect_shape(node.out[i], {shape.c}, outputs[i]);
  for (const Tensor* t : {&dy, &node.out[0]}) {
    const char* role = t == &dy ? inputs[0] : outputs[0];
    if (x.rank == 2) node.expect_shape(*t, {x.dims[0], x.dims[1]}, role);
    else node.expect_shape(*t, {x.dims[0], x.dims[1], x.dims[2], x.dims[3]}, role);
  }
  for (const Tensor& out : node.out)
    for (const Tensor& in : node.in)
      if (&out != &node.out[0] || &in != &dy)
        expect_apart(node, out, in, "an output and an input other than dx and dy");
}

void reference_batch_norm_grad(const Node& node) {
  const Tensor &dy = node.in[0], &x = node.in[1];
  const Channels shape = Channels::of(x);
  const double count = static_cast<double>(shape.n * shape.hw);
  for (int64_t c = 0; c < shape.c; ++c) {
    const double gamma = node.in[2].get(c), mean = node.in[3].get(c), rstd = node.in[4].get(c);
    double dgamma = 0, dbeta = 0;
    auto for_all = [&](auto body) {
      for (int64_t row = c; row < shape.n * shape.c; row += shape.c)
        for (int64_t i = row * shape.hw; i < (row + 1) * shape.hw; ++i) body(i, dy.get(i), (x.get(i) - mean) * rstd);
    };
    for_all([&](int64_t, double g, double xhat) {
      dbeta += g;
      dgamma += g * xhat;
    });
    for_all([&](int64_t i, double g, double xhat) {
      node.out[0].set(i, gamma * rstd * (g - dbeta / count - xhat * dgamma / count));
    });
    node.out[1].set(c, dgamma);
    node.out[2].set(c, dbeta);
  }
}

}  // namespace kantor
