#include "ops/optimizer/optimizer.h"

#include "ops/tensor_pieces.h"

namespace kantor::cuda {

namespace {

constexpr int kPiece = 4 * kBlockThreads;

struct Parameter {
  const float* gradient;
  float *value, *first, *second, *ema;  // null where the kind has none
  bool clip, decay;
};

struct UpdateArguments {
  const float* hyper;
  int64_t* step;
  const Parameter* parameters;
  const TensorPiece* pieces;
  unsigned* ticket;
  int piece_count;
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
__device__ inline void update(const Rates& r, const Parameter& at, int i) {
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

// A block a piece. The last to finish counts the step, which all have read by then.
template <OptimizerKind kind, bool with_ema>
__device__ inline void optimize(const UpdateArguments& a, unsigned block, Rates& shared_rates) {
  if (threadIdx.x == 0) shared_rates = rates<kind>(a.hyper, *a.step + 1);
  __syncthreads();
  const Rates r = shared_rates;
  const TensorPiece piece = a.pieces[block];
  const Parameter parameter = a.parameters[piece.tensor];
  for (int i = piece.begin + static_cast<int>(threadIdx.x); i < piece.end; i += kBlockThreads)
    update<kind, with_ema>(r, parameter, i);
  if (threadIdx.x == 0 && comes_last(a.ticket, static_cast<unsigned>(a.piece_count))) ++*a.step;
}

template <OptimizerKind kind, bool with_ema>
__global__ void optimizer_kernel(const int64_t* guard, UpdateArguments a) {
  KANTOR_SHARED(Rates, shared_rates);
  if (!held(guard)) optimize<kind, with_ema>(a, blockIdx.x, shared_rates);
}

template <OptimizerKind kind>
void enqueue(bool with_ema, const UpdateArguments& a, Recorder& r) {
  LaunchShape shape = {static_cast<unsigned>(a.piece_count), kBlockThreads};
  with_ema ? r.launch(optimizer_kernel<kind, true>, shape, a) : r.launch(optimizer_kernel<kind, false>, shape, a);
}

}  // namespace

void enqueue_optimizer(const Node& node, Recorder& r) {
  OptimizerLayout layout = OptimizerLayout::of(node);
  std::vector<int64_t> counts;
  std::vector<Parameter> parameters;
  for (size_t k = 0; k < static_cast<size_t>(layout.tensors); ++k) {
    auto state = [&](bool used, int index) { return used ? node.out[layout.at(k, index)].f32() : nullptr; };
    counts.push_back(node.in[1 + k].count());
    parameters.push_back({node.in[1 + k].f32(), state(true, 0), state(layout.first_moment, layout.first_at()),
                          state(layout.second_moment, layout.second_at()), state(layout.ema, layout.ema_at()),
                          (node.attributes[3 + k] & kOptimizerClip) != 0, (node.attributes[3 + k] & kOptimizerDecay) != 0});
  }
  std::vector<TensorPiece> pieces = cut_tensors(node, counts, kPiece);
  UpdateArguments a = {node.in[0].f32(), node.out[0].as<int64_t>(), r.constants(parameters), r.constants(pieces),
                       r.tickets(1), static_cast<int>(pieces.size())};
  switch (layout.kind) {
    case OptimizerKind::adam: return enqueue<OptimizerKind::adam>(layout.ema, a, r);
    case OptimizerKind::rmsprop: return enqueue<OptimizerKind::rmsprop>(layout.ema, a, r);
    case OptimizerKind::sgd: return enqueue<OptimizerKind::sgd>(layout.ema, a, r);
  }
}

}  // namespace kantor::cuda
