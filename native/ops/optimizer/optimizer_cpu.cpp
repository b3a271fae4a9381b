#include <cmath>
#include <limits>

#include "ops/optimizer/optimizer.h"
#include "ops/pieces.h"

namespace kantor::KANTOR_ISA {

namespace {

struct Pointers {
  const float* gradient;
  float *parameter, *first, *second, *ema;
  bool clip, decay;
};

// What the hyper-parameters and the step come to, in float. A tensor that is not clipped has an infinite bound and one
// that does not decay a factor of 1, so that one loop serves all: neither changes a bit.
struct Rates {
  float b1, one_minus_b1, b2, one_minus_b2, epsilon;
  float rate;               // lr, over 1 - b1^t for adam
  float second_correction;  // 1 / sqrt(1 - b2^t)
  float keep;               // 1 - lr * weight decay
  float bound;
  float ema, one_minus_ema;
};

Rates rates(const float* hyper, int64_t step, OptimizerKind kind) {
  double lr = static_cast<double>(hyper[0]), b1 = static_cast<double>(hyper[1]), b2 = static_cast<double>(hyper[2]);
  double ema = static_cast<double>(hyper[6]), rate = lr, second_correction = 1;
  if (kind == OptimizerKind::adam) {
    rate = lr / (1 - std::pow(b1, static_cast<double>(step)));
    second_correction = 1 / std::sqrt(1 - std::pow(b2, static_cast<double>(step)));
  }
  return {.b1 = hyper[1],
          .one_minus_b1 = static_cast<float>(1 - b1),
          .b2 = hyper[2],
          .one_minus_b2 = static_cast<float>(1 - b2),
          .epsilon = hyper[3],
          .rate = static_cast<float>(rate),
          .second_correction = static_cast<float>(second_correction),
          .keep = static_cast<float>(1 - lr * static_cast<double>(hyper[4])),
          .bound = hyper[5],
          .ema = hyper[6],
          .one_minus_ema = static_cast<float>(1 - ema)};
}

template <OptimizerKind kind, bool with_ema>
void update(const Rates& rates, const Pointers& at, int64_t begin, int64_t n) {
  const Rates r = rates;
  const float keep = at.decay ? r.keep : 1.0f, bound = at.clip ? r.bound : std::numeric_limits<float>::infinity();
  const float* __restrict gradient = at.gradient + begin;
  float* __restrict parameter = at.parameter + begin;
  float* __restrict first = at.first + begin;
  float* __restrict second = at.second + begin;
  float* __restrict ema = at.ema + begin;
  for (int64_t i = 0; i < n; ++i) {
    float g = gradient[i], p = parameter[i] * keep;
    if constexpr (kind == OptimizerKind::adam) {
      float m = r.b1 * first[i] + r.one_minus_b1 * g, v = r.b2 * second[i] + r.one_minus_b2 * (g * g);
      first[i] = m;
      second[i] = v;
      p -= r.rate * m / (std::sqrt(v) * r.second_correction + r.epsilon);
    } else if constexpr (kind == OptimizerKind::rmsprop) {
      float v = r.b1 * second[i] + r.one_minus_b1 * (g * g);
      second[i] = v;
      p -= r.rate * g / (std::sqrt(v) + r.epsilon);
    } else {
      float m = r.b1 * first[i] + g;
      first[i] = m;
      p -= r.rate * m;
    }
    p = p < -bound ? -bound : p;
    p = p > bound ? bound : p;
    parameter[i] = p;
    if constexpr (with_ema) ema[i] = r.ema * ema[i] + r.one_minus_ema * p;
  }
}

template <OptimizerKind kind, bool with_ema>
void plan_update(const Node& node, Plan& plan) {
  OptimizerLayout layout = OptimizerLayout::of(node);
  std::vector<int64_t> sizes;
  std::vector<Pointers> tensors;
  for (size_t k = 0; k < static_cast<size_t>(layout.tensors); ++k) {
    auto state = [&](bool used, int index) { return used ? node.out[layout.at(k, index)].f32() : nullptr; };
    sizes.push_back(node.in[1 + k].count());
    tensors.push_back({node.in[1 + k].f32(), state(true, 0), state(layout.first_moment, layout.first_at()),
                       state(layout.second_moment, layout.second_at()), state(with_ema, layout.ema_at()),
                       (node.attributes[3 + k] & kOptimizerClip) != 0,
                       (node.attributes[3 + k] & kOptimizerDecay) != 0});
  }
  Pieces pieces = cut(sizes);
  const float* hyper = node.in[0].f32();
  int64_t* step = node.out[0].as<int64_t>();
  plan.phase(pieces.tasks(), [=](int task, std::byte*) {
    Rates now = rates(hyper, *step + 1, kind);
    for (int p = pieces.first[task]; p < pieces.first[task + 1]; ++p) {
      const Piece& piece = pieces.all[p];
      update<kind, with_ema>(now, tensors[piece.tensor], piece.begin, piece.end - piece.begin);
    }
  });
  // Only now: every task above reads the step.
  plan.phase(1, [=](int, std::byte*) { ++*step; });
}

}  // namespace

void prepare_optimizer(const Node& node, Plan& plan) {
  bool ema = node.attributes[2] == 1;
  auto choose = [&]<OptimizerKind kind>() {
    ema ? plan_update<kind, true>(node, plan) : plan_update<kind, false>(node, plan);
  };
  switch (static_cast<OptimizerKind>(node.attributes[0])) {
    case OptimizerKind::adam: return choose.operator()<OptimizerKind::adam>();
    case OptimizerKind::rmsprop: return choose.operator()<OptimizerKind::rmsprop>();
    case OptimizerKind::sgd: return choose.operator()<OptimizerKind::sgd>();
  }
}

}  // namespace kantor::KANTOR_ISA
