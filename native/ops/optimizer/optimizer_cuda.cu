#include "ops/optimizer/optimizer.h"

#include "ops/optimizer/optimizer_body.h"

namespace kantor::cuda {

namespace {

template <OptimizerKind kind>
void enqueue(bool with_ema, const OptimizerArguments& a, Recorder& r) {
  with_ema ? r.launch<OptimizerBody<kind, true>>(a.piece_count, a) : r.launch<OptimizerBody<kind, false>>(a.piece_count, a);
}

}  // namespace

void enqueue_optimizer(const Node& node, Recorder& r) {
  OptimizerLayout layout = OptimizerLayout::of(node);
  std::vector<int64_t> counts;
  std::vector<OptimizerParameter> parameters;
  for (size_t k = 0; k < static_cast<size_t>(layout.tensors); ++k) {
    auto state = [&](bool used, int index) { return used ? node.out[layout.at(k, index)].f32() : nullptr; };
    counts.push_back(node.in[1 + k].count());
    parameters.push_back({node.in[1 + k].f32(), state(true, 0), state(layout.first_moment, layout.first_at()),
                          state(layout.second_moment, layout.second_at()), state(layout.ema, layout.ema_at()),
                          (node.attributes[3 + k] & kOptimizerClip) != 0, (node.attributes[3 + k] & kOptimizerDecay) != 0});
  }
  std::vector<TensorPiece> pieces = cut_tensors(node, counts, kOptimizerPiece);
  OptimizerArguments a = {node.in[0].f32(), node.out[0].as<int64_t>(), r.constants(parameters), r.constants(pieces),
                       r.tickets(1), static_cast<int>(pieces.size())};
  switch (layout.kind) {
    case OptimizerKind::adam: return enqueue<OptimizerKind::adam>(layout.ema, a, r);
    case OptimizerKind::rmsprop: return enqueue<OptimizerKind::rmsprop>(layout.ema, a, r);
    case OptimizerKind::sgd: return enqueue<OptimizerKind::sgd>(layout.ema, a, r);
  }
}

}  // namespace kantor::cuda
