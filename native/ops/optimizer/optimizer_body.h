#pragma once
#include "ops/optimizer/optimizer.h"
#include "ops/tensor_pieces.h"

namespace kantor::cuda {

constexpr int kOptimizerElements = 4, kOptimizerPiece = kOptimizerElements * kBlockThreads;  // of a thread, of a block

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

// In double, once a block. powers: adam's betas to the power of the step.
template <OptimizerKind kind>
__device__ inline Rates rates(const float* hyper, const double (&powers)[2]) {
  double lr = static_cast<double>(hyper[0]), rate = lr, second_correction = 1;
  if constexpr (kind == OptimizerKind::adam) {
    rate = lr / (1 - powers[0]);
    second_correction = 1 / sqrt(1 - powers[1]);
  }
  return {hyper[1],
          static_cast<float>(1 - static_cast<double>(hyper[1])),
          hyper[2],
          static_cast<float>(1 - static_cast<double>(hyper[2])),
          hyper[3],
          static_cast<float>(rate),
          static_cast<float>(second_correction),
          static_cast<float>(1 - lr * static_cast<double>(hyper[4])),
          hyper[5],
          hyper[6],
          static_cast<float>(1 - static_cast<double>(hyper[6]))};
}

// An element with its state, between its loads and its stores.
template <OptimizerKind kind, bool with_ema>
struct Element {
  static constexpr bool kFirst = kind != OptimizerKind::rmsprop, kSecond = kind != OptimizerKind::sgd;
  float gradient, value, first, second, average;

  __device__ __forceinline__ void load(const OptimizerParameter& at, int i) {
    gradient = at.gradient[i], value = at.value[i];
    if constexpr (kFirst) first = at.first[i];
    if constexpr (kSecond) second = at.second[i];
    if constexpr (with_ema) average = at.ema[i];
  }
  __device__ __forceinline__ void update(const Rates& r, bool clip, bool decay) {
    const float g = gradient;
    if (decay) value *= r.keep;
    if constexpr (kind == OptimizerKind::adam) {
      first = r.b1 * first + r.one_minus_b1 * g;
      second = r.b2 * second + r.one_minus_b2 * (g * g);
      value -= r.rate * first / (sqrtf(second) * r.second_correction + r.epsilon);
    } else if constexpr (kind == OptimizerKind::rmsprop) {
      second = r.b1 * second + r.one_minus_b1 * (g * g);
      value -= r.rate * g / (sqrtf(second) + r.epsilon);
    } else {
      first = r.b1 * first + g;
      value -= r.rate * first;
    }
    if (clip) {
      value = value < -r.bound ? -r.bound : value;
      value = value > r.bound ? r.bound : value;
    }
    if constexpr (with_ema) average = r.ema * average + r.one_minus_ema * value;
  }
  __device__ __forceinline__ void store(const OptimizerParameter& at, int i) const {
    at.value[i] = value;
    if constexpr (kFirst) at.first[i] = first;
    if constexpr (kSecond) at.second[i] = second;
    if constexpr (with_ema) at.ema[i] = average;
  }
};

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
  struct Shared {
    double powers[2];
    Rates rates;
  };

  // A block a piece. The last to finish counts the step, which all have read by then. All loads are under way while the
  // rates are computed, by two threads of different warps what takes longest.
  __device__ static void run(const Arguments& a, unsigned block, Shared& shared) {
    const int t = static_cast<int>(threadIdx.x);
    const TensorPiece piece = a.pieces[block];
    const OptimizerParameter parameter = a.parameters[piece.tensor];
    Element<kind, with_ema> elements[kOptimizerElements];
#pragma unroll
    for (int e = 0; e < kOptimizerElements; ++e)
      if (int i = piece.begin + e * kBlockThreads + t; i < piece.end) elements[e].load(parameter, i);
    if constexpr (kind == OptimizerKind::adam) {
      if (t % kWarp == 0 && t < 2 * kWarp)
        shared.powers[t / kWarp] = pow(static_cast<double>(a.hyper[1 + t / kWarp]), static_cast<double>(*a.step + 1));
      __syncthreads();
    }
    if (t == 0) shared.rates = rates<kind>(a.hyper, shared.powers);
    __syncthreads();
    const Rates r = shared.rates;
#pragma unroll
    for (int e = 0; e < kOptimizerElements; ++e)
      if (int i = piece.begin + e * kBlockThreads + t; i < piece.end) {
        elements[e].update(r, parameter.clip, parameter.decay);
        elements[e].store(parameter, i);
      }
    if (t == 0 && comes_last(a.ticket, static_cast<unsigned>(a.piece_count))) ++*a.step;
  }
};

}  // namespace kantor::cuda
