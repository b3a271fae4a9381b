#include "ops/conv2d/conv_engine.h"
#include "ops/pointwise/stored_product.h"

namespace kantor::cuda {

EngineStep plan_convolution(const Node& node, Engine& engine, ConvDirection direction, const ConvShape& shape,
                            bool may_store) {
  const auto convolution = Convolution::plan(engine, direction, shape, node.precision);
  if (!convolution) return nullptr;
  const ConvPrograms programs = ConvPrograms::decode(node);
  const bool stores = may_store && stores_product(programs.epilogue);
  return [&node, direction, convolution, programs, stores](Recorder& r) {
    float* in = enqueue_operand(node, 0, programs.prologue, r);
    float* out = stores ? node.out[0].f32() : r.scratch<float>(node.out[0].count());
    float *x = direction == ConvDirection::forward ? in : out, *y = direction == ConvDirection::forward ? out : in;
    std::byte* workspace = r.scratch<std::byte>(convolution->workspace_bytes());
    r.call([&](cudaStream_t stream) { convolution->run(x, node.in[1].f32(), y, workspace, stream); });
    if (!stores) enqueue_epilogue(node, programs.epilogue, programs.epilogue_in, out, r);
  };
}

EngineStep plan_conv2d(const Node& node, Engine& engine, bool may_store) {
  return plan_convolution(node, engine, ConvDirection::forward, conv_shape(node, node.in[0], node.in[1], node.out[0]),
                          may_store);
}

}  // namespace kantor::cuda
