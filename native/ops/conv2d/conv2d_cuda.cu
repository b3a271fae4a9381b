#include "ops/conv2d/conv2d.h"

#include "ops/conv2d/conv_product_device.h"

namespace kantor::cuda {

void enqueue_conv2d(const Node& node, Recorder& r) {
  enqueue_convolution(node, forward_product(conv_shape(node, node.in[0], node.in[1], node.out[0])), r);
}

}  // namespace kantor::cuda
