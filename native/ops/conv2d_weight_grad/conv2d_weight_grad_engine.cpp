#include "ops/conv2d/conv_engine.h"
#include "ops/conv2d_weight_grad/conv2d_weight_grad.h"
#include "ops/pointwise/stored_product.h"

namespace kantor::cuda {

EngineStep plan_conv2d_weight_grad(const Node& node, Engine& engine, bool may_store) {
  const ConvShape z = conv_shape(node, node.in[1], node.out[0], node.in[0]);
  const auto convolution = Convolution::plan(engine, ConvDirection::weight_grad, z, node.precision);
  if (!convolution) return nullptr;
  const WeightGradPrologues prologues = WeightGradPrologues::decode(node);
  const PwProgram store = {
      z.o, z.c * z.r * z.s, {}, 1, {{Pw::accumulator, 0, 0, 0, 0}, {Pw::store, 0, 0, 0, 0}}};
  return [&node, convolution, prologues, store, may_store](Recorder& r) {
    float* dy = enqueue_operand(node, 0, prologues.dy, r);
    float* x = enqueue_operand(node, 1, prologues.x, r);
    float* dw = may_store ? node.out[0].f32() : r.scratch<float>(node.out[0].count());
    std::byte* workspace = r.scratch<std::byte>(convolution->workspace_bytes());
    r.call([&](cudaStream_t stream) { convolution->run(x, dw, dy, workspace, stream); });
    if (!may_store) enqueue_epilogue(node, store, node.in.size(), dw, r);
  };
}

}  // namespace kantor::cuda
