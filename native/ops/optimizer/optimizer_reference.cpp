#include <algorithm>
#include <cmath>

#include "ops/operands.h"
#include "ops/optimizer/optimizer.h"

namespace kantor {

OptimizerLayout OptimizerLayout::of(const Node& node) {
  OptimizerKind kind = static_cast<OptimizerKind>(node.attributes[0]);
  OptimizerLayout layout{};
  layout.kind = kind;
  layout.tensors = node.attributes[1];
  layout.first_moment = kind != OptimizerKind::rmsprop;
  layout.second_moment = kind != OptimizerKind::sgd;
  layout.ema = node.attributes[2] == 1;
  return layout;
}

void validate_optimizer(const Node& node) {
  node.expect_at_least(2, 2, 4);
  if (node.attributes[0] < 0 || node.attributes[0] > 2)
    node.reject("kind is %lld; expected 0 (adam), 1 (rmsprop) or 2 (sgd)", static_cast<long long>(node.attributes[0]));
  if (node.attributes[2] != 0 && node.attributes[2] != 1)
    node.reject("ema is %lld; expected 0 or 1", static_cast<long long>(node.attributes[2]));
  size_t tensors = node.in.size() - 1;
  if (node.attributes[1] != static_cast<int64_t>(tensors))
    node.reject("the tensor count is %lld but %zu gradients are given", static_cast<long long>(node.attributes[1]),
                tensors);
  OptimizerLayout layout = OptimizerLayout::of(node);
  node.expect_operands(tensors + 1, 1 + tensors * static_cast<size_t>(layout.states()));
  expect_attributes(node, 3 + tensors);

  DType dtype = node.in[1].dtype;
  expect_real(node, node.in[0], dtype, "hyper");
  node.expect_shape(node.in[0], {8}, "hyper");
  node.expect_dtype(node.out[0], DType::i64, "the step");
  if (node.out[0].count() != 1) node.reject("the step is %s; expected one value", node.out[0].describe().c_str());
  for (size_t k = 0; k < tensors; ++k) {
    const Tensor& gradient = node.in[1 + k];
    expect_real(node, gradient, dtype, "a gradient");
    for (int state = 0; state < layout.states(); ++state) {
      const Tensor& t = node.out[layout.at(k, state)];
      expect_real(node, t, dtype, "a parameter, moment or EMA");
      if (t.rank != gradient.rank || !std::equal(t.dims, t.dims + t.rank, gradient.dims))
        node.reject("output %zu (of tensor %zu) is %s but the gradient is %s", layout.at(k, state), k,
                    t.describe().c_str(), gradient.describe().c_str());
    }
    if (node.attributes[3 + k] < 0 || node.attributes[3 + k] > (kOptimizerClip | kOptimizerDecay))
      node.reject("flags of tensor %zu are %lld; expected 0 to 3", k, static_cast<long long>(node.attributes[3 + k]));
  }
  std::vector<const Tensor*> outputs, inputs;
  for (const Tensor& t : node.out) outputs.push_back(&t);
  auto lower = [](const Tensor* a, const Tensor* b) { return a->data < b->data; };
  std::sort(outputs.begin(), outputs.end(), lower);
  for (const Tensor& in : node.in) {
    auto after = std::upper_bound(outputs.begin(), outputs.end(), &in, lower);
    if (after != outputs.begin()) expect_apart(node, **(after - 1), in, "a state and a gradient (or hyper)");
  }
}

void reference_optimizer(const Node& node) {
  OptimizerLayout layout = OptimizerLayout::of(node);
  const Tensor& hyper = node.in[0];
  double lr = hyper.get(0), b1 = hyper.get(1), b2 = hyper.get(2), eps = hyper.get(3), decay = hyper.get(4),
         clip = hyper.get(5), ema = hyper.get(6);
  int64_t step = ++*node.out[0].as<int64_t>();
  double correction1 = 1 - std::pow(b1, static_cast<double>(step));
  double correction2 = 1 - std::pow(b2, static_cast<double>(step));
  for (size_t k = 0; k < static_cast<size_t>(layout.tensors); ++k) {
    const Tensor& gradient = node.in[1 + k];
    const Tensor& parameter = node.out[layout.at(k, 0)];
    const Tensor& first = node.out[layout.at(k, layout.first_at())];
    const Tensor& second = node.out[layout.at(k, layout.second_at())];
    const Tensor& average = node.out[layout.at(k, layout.ema_at())];
    for (int64_t i = 0, n = gradient.count(); i < n; ++i) {
      double g = gradient.get(i), p = parameter.get(i);
      if (node.attributes[3 + k] & kOptimizerDecay) p *= 1 - lr * decay;
      switch (layout.kind) {
        case OptimizerKind::adam:
          first.set(i, b1 * first.get(i) + (1 - b1) * g);
          second.set(i, b2 * second.get(i) + (1 - b2) * g * g);
          p -= lr / correction1 * first.get(i) / (std::sqrt(second.get(i)) / std::sqrt(correction2) + eps);
          break;
        case OptimizerKind::rmsprop:
          second.set(i, b1 * second.get(i) + (1 - b1) * g * g);
          p -= lr * g / (std::sqrt(second.get(i)) + eps);
          break;
        case OptimizerKind::sgd:
          first.set(i, b1 * first.get(i) + g);
          p -= lr * first.get(i);
          break;
      }
      if (node.attributes[3 + k] & kOptimizerClip) p = p < -clip ? -clip : p > clip ? clip : p;
      parameter.set(i, p);
      if (layout.ema) average.set(i, ema * average.get(i) + (1 - ema) * parameter.get(i));
    }
  }
}

}  // namespace kantor
