// optimizer: one update of many parameters, one pass over their state.
//
//   in[0]: hyper f32[8]   {learning rate, beta1 (momentum for sgd, alpha for rmsprop), beta2, epsilon, weight decay,
//                          clip, EMA decay, 0}
//   in[1 .. T]: gradients
//   out: step i64[1], then per tensor: parameter, first moment*, second moment*, EMA*
//        (* only those that the kind and ema use: adam both moments, rmsprop the second, sgd the first)
//   attributes: kind (0 adam, 1 rmsprop, 2 sgd), tensor count T, ema (0 / 1), then per tensor: flags
//               (bit 0: clip to [-clip, clip] after the update; bit 1: apply weight decay)
//
// All outputs are read and written in place. step t is incremented first; then, in float, per element:
//   weight decay (flag): AdamW style, decoupled: p *= 1 - lr * decay
//   adam    (Kingma & Ba 2015): m = b1 m + (1-b1) g;  v = b2 v + (1-b2) g^2;
//           p -= lr / (1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) + eps)
//           corrections computed in double once an update
//   rmsprop (Tieleman & Hinton 2012): v = alpha v + (1-alpha) g^2;  p -= lr * g / (sqrt(v) + eps)
//   sgd     m = momentum m + g;  p -= lr * m
//   clip (flag): p = min(max(p, -clip), clip)
//   EMA: e = decay * e + (1 - decay) * p
#pragma once
#include "runtime/op.h"

namespace kantor {
enum class OptimizerKind : int64_t { adam = 0, rmsprop = 1, sgd = 2 };
constexpr int64_t kOptimizerClip = 1, kOptimizerDecay = 2;  // flags of a tensor

// Which output is which. An absent state's place is that of the parameter.
struct OptimizerLayout {
  OptimizerKind kind;
  int64_t tensors;
  bool first_moment, second_moment, ema;

  static OptimizerLayout of(const Node&);
  int first_at() const { return first_moment ? 1 : 0; }
  int second_at() const { return second_moment ? 1 + first_moment : 0; }
  int ema_at() const { return ema ? states() - 1 : 0; }
  int states() const { return 1 + first_moment + second_moment + ema; }
  size_t at(size_t tensor, int state) const {
    return 1 + tensor * static_cast<size_t>(states()) + static_cast<size_t>(state);
  }
};

void validate_optimizer(const Node&);
void reference_optimizer(const Node&);
}  // namespace kantor
