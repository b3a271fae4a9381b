// A launch a layer: what lies between is small beside a GPU's cache, and goes through scratch.
#include "ops/conv2d_chain/conv2d_chain.h"

#include "ops/conv2d/conv_product_device.h"

namespace kantor::cuda {

namespace {

// activation(accumulator + bias), to `to`.
SmallPw bias_and_activation(const ConvProduct& product, const ChainLayer& layer, const float* bias, float* to, int cols) {
  SmallPw p = {};
  p.operands[0] = {bias, product.arguments.outputs, product.arguments.outputs == 1 ? 0 : 1, 0};
  p.stores[0] = to;
  p.rows = product.arguments.images * product.arguments.outputs, p.cols = cols;
  p.code[p.length++] = {Pw::accumulator, 0, 0, 0, 0};
  p.code[p.length++] = {Pw::input, 1, 0, 0, 0};
  p.code[p.length++] = {Pw::add, 0, 0, 1, 0};
  if (layer.activation == ChainActivation::relu) p.code[p.length++] = {Pw::relu, 0, 0, 0, 0};
  if (layer.activation == ChainActivation::leaky_relu) p.code[p.length++] = {Pw::leaky_relu, 0, 0, 0, layer.slope};
  p.code[p.length++] = {Pw::store, 0, 0, 0, 0};
  p.form = PwForm::of(p.code, p.length, -1);
  return p;
}

}  // namespace

void enqueue_conv2d_chain(const Node& node, Recorder& r) {
  const ConvChain chain = ConvChain::decode(node);
  for (const Tensor& t : {node.in[0], node.out[0]}) extent(node, t.count());
  const float* source = node.in[0].f32();
  for (size_t k = 0; k < chain.layers.size(); ++k) {
    const ChainLayer& layer = chain.layers[k];
    const ConvShape& z = layer.shape;
    ConvProduct product = layer.transposed ? data_grad_product(z) : forward_product(z);
    product.arguments.source = source;
    product.arguments.weight = node.in[layer.weight].f32();
    extent(node, node.in[layer.weight].count());
    if (k + 1 == chain.layers.size()) {
      with_table(node, chain.epilogue, chain.epilogue_in, 0, [&](const auto& epilogue) {
        enqueue_product(product.arguments, product.plan, node.precision, NoPrologue{}, epilogue, r);
      });
      return;
    }
    int64_t cols = layer.transposed ? z.h * z.w : z.p * z.q, count = z.n * (layer.transposed ? z.c : z.o) * cols;
    extent(node, count);
    float* to = r.scratch<float>(count);
    enqueue_product(product.arguments, product.plan, node.precision, NoPrologue{},
                    bias_and_activation(product, layer, node.in[layer.weight + 1].f32(), to, static_cast<int>(cols)), r);
    source = to;
  }
}

}  // namespace kantor::cuda
