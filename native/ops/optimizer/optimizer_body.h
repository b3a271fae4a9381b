#pragma once
#include "ops/optimizer/optimizer.h"
#include "ops/tensor_pieces.h"

namespace kantor::cuda {

constexpr int kOptimizerPiece = 4 * kBlockThreads;

struct OptimizerParameter {
  const float* gradient;
  float *value, *first, *second, *ema;  // null where the kind has none
  bool clip, decay;
};

struct Rates {
  float b1, one_minus_b1, b2, one_minus_b2, epsilon;
  float rate;               // lr, over 1 - b1^t for adam
  float second_correction;  // 1 / sqrt(1 - b2^t)
  float keep;               // 1 - lr * weight decay
  float bound, ema, one_minus_ema;
};

// In double, once a block.
template <OptimizerKind kind>
__device__ inline Rates rates(const float* hyper, int64_t step) {
  double lr = static_cast<double>(hyper[0]), rate = lr, second_correction = 1;
  double b1 = static_cast<double>(hyper[1]), b2 = static_cast<double>(hyper[2]), t = static_cast<double>(step);
  if constexpr (kind == OptimizerKind::adam) {
    rate = lr / (1 - pow(b1, t));
    second_correction = 1 / sqrt(1 - pow(b2, t));
  }
  return {hyper[1],
          static_cast<float>(1 - b1),
          hyper[2],
          static_cast<float>(1 - b2),
          hyper[3],
          static_cast<float>(rate),
          static_cast<float>(second_correction),
          static_cast<float>(1 - lr * static_cast<double>(hyper[4])),
          hyper[5],
          hyper[6],
          static_cast<float>(1 - static_cast<double>(hyper[6]))};
}

template <OptimizerKind kind, bool with_ema>
__device__ inline void update(const Rates& r, const OptimizerParameter& at, int i) {
  float g = at.gradient[i], p = at.value[i];
  if (at.decay) p *= r.keep;
  if constexpr (kind == OptimizerKind::adam) {
    float m = r.b1 * at.first[i] + r.one_minus_b1 * g, v = r.b2 * at.second[i] + r.one_minus_b2 * (g * g);
    at.first[i] = m;
    at.second[i] = v;
    p -= r.rate * m / (sqrtf(v) * r.second_correction + r.epsilon);
  } else if constexpr (kind == OptimizerKind::rmsprop) {
    float v = r.b1 * at.second[i] + r.one_minus_b1 * (g * g);
    at.second[i] = v;
    p -= r.rate * g / (sqrtf(v) + r.epsilon);
  } else {
    float m = r.b1 * at.first[i] + g;
    at.first[i] = m;
    p -= r.rate * m;
  }
  if (at.clip) {
    p = p < -r.bound ? -r.bound : p;
    p = p > r.bound ? r.bound : p;
  }
  at.value[i] = p;
  if constexpr (with_ema) at.ema[i] = r.ema * at.ema[i] + r.one_minus_ema * p;
}

// The arguments do not depend on the kind.
struct OptimizerArguments {
  const float* hyper;
  int64_t* step;
  const OptimizerParameter* parameters;
  const TensorPiece* pieces;
  unsigned* ticket;
  int piece_count;
};

template <OptimizerKind kind, bool with_ema>
struct OptimizerBody {
  static constexpr int kThreads = kBlockThreads;
  using Arguments = OptimizerArguments;
  using Shared = Rates;

  // A block a piece. The last to finish counts the step, which all have read by then.
  __device__ static void run(const Arguments& a, unsigned block, Shared& shared_rates) {
    if (threadIdx.x == 0) shared_rates = rates<kind>(a.hyper, *a.step + 1);
    __syncthreads();
    const Rates r = shared_rates;
    const TensorPiece piece = a.pieces[block];
    const OptimizerParameter parameter = a.parameters[piece.tensor];
    for (int i = piece.begin + static_cast<int>(threadIdx.x); i < piece.end; i += kBlockThreads)
      update<kind, with_ema>(r, parameter, i);
    if (threadIdx.x == 0 && comes_last(a.ticket, static_cast<unsigned>(a.piece_count))) ++*a.step;
  }
};

}  // namespace kantor::cuda
