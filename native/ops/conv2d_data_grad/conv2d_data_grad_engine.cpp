#include "ops/conv2d/conv_engine.h"

namespace kantor::cuda {

EngineStep plan_conv2d_data_grad(const Node& node, Engine& engine, bool may_store) {
  return plan_convolution(node, engine, ConvDirection::data_grad, conv_shape(node, node.out[0], node.in[1], node.in[0]),
                          may_store);
}

}  // namespace kantor::cuda
