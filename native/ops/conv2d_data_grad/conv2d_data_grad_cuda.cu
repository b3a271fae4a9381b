#include "ops/conv2d_data_grad/conv2d_data_grad.h"

#include "ops/conv2d/conv_product_device.h"

namespace kantor::cuda {

void enqueue_conv2d_data_grad(const Node& node, Recorder& r) {
  enqueue_convolution(node, data_grad_product(conv_shape(node, node.out[0], node.in[1], node.in[0])), r);
}

}  // namespace kantor::cuda
