#include "ops/conv2d_chain/conv2d_chain.h"

#include "ops/conv2d_data_grad/conv2d_data_grad.h"
#include "ops/operands.h"

namespace kantor {
namespace {

constexpr int64_t kMostLayers = 8;
constexpr size_t kGeometryWords = 6, kLayerWords = 1 + kGeometryWords + 2, kActivationWords = 2;

long long wide(int64_t value) { return static_cast<long long>(value); }

double activate(const ChainLayer& layer, double x) {
  if (layer.activation == ChainActivation::none || x > 0 || x != x) return x;
  return layer.activation == ChainActivation::relu ? 0 : layer.slope * x;
}

}  // namespace

ConvChain ConvChain::decode(const Node& node) {
  node.expect_at_least(4, 1, 1);
  const int64_t count = node.attributes[0];
  if (count < 2 || count > kMostLayers) node.reject("%lld layers; expected 2 to %lld", wide(count), wide(kMostLayers));
  const size_t layers = static_cast<size_t>(count), inputs = 2 * layers;
  node.expect_at_least(inputs, 1, 1 + kLayerWords * layers + kActivationWords * (layers - 1));
  ConvChain chain;
  size_t position = 1;
  Tensor x = node.in[0];
  for (size_t k = 0; k < layers; ++k) {
    const bool last = k + 1 == layers;
    const auto words = node.attributes.begin() + static_cast<ptrdiff_t>(position);
    position += kLayerWords;
    ChainLayer layer;
    layer.weight = 1 + 2 * k;
    const Tensor& weight = node.in[layer.weight];
    if (words[0] != 0 && words[0] != 1)
      node.reject("whether layer %zu is transposed is %lld; expected 0 or 1", k + 1, wide(words[0]));
    layer.transposed = words[0] == 1;
    const Node part = {node.op, {}, {}, {words + 1, words + 1 + kGeometryWords}};
    const Tensor made = {nullptr, x.dtype, 4, {x.dims[0], weight.dims[layer.transposed ? 1 : 0],
                                               words[kLayerWords - 2], words[kLayerWords - 1]}};
    const Tensor& y = last ? node.out[0] : made;
    layer.shape = layer.transposed ? conv_shape(part, y, weight, x) : conv_shape(part, x, weight, y);
    if (y.dims[2] != made.dims[2] || y.dims[3] != made.dims[3])
      node.reject("output 0 is %s; expected planes of %lld x %lld, as the last layer's words say", y.describe().c_str(),
                  wide(made.dims[2]), wide(made.dims[3]));
    if (!last) {
      const Tensor& bias = node.in[layer.weight + 1];
      if (bias.count() != y.dims[1])
        node.reject("bias %zu is %s; expected %lld elements, one for each channel", k + 1, bias.describe().c_str(),
                    wide(y.dims[1]));
      const int64_t activation = node.attributes[position];
      if (activation < 0 || activation > static_cast<int64_t>(ChainActivation::leaky_relu))
        node.reject("activation %zu is %lld; expected 0 (none), 1 (ReLU) or 2 (leaky ReLU)", k + 1, wide(activation));
      layer.activation = static_cast<ChainActivation>(activation);
      layer.slope = node.attribute_f32(position + 1);
      position += kActivationWords;
    }
    chain.layers.push_back(layer);
    x = made;
  }
  chain.epilogue_in = inputs;
  chain.epilogue = PwProgram::decode(node, &position, chain.epilogue_in, 0, true);
  if (position != node.attributes.size())
    node.reject("%zu attributes follow the epilogue; expected none", node.attributes.size() - position);
  return chain;
}

void validate_conv2d_chain(const Node& node) {
  const ConvChain chain = ConvChain::decode(node);
  expect_real(node, node.in[0], node.in[0].dtype, "X");
  for (size_t i = 1; i < chain.epilogue_in; ++i) node.expect_dtype(node.in[i], node.in[0].dtype, "a weight or bias");
  node.expect_dtype(node.out[0], node.in[0].dtype, "output 0");
  expect_conv_epilogue(node, chain.epilogue, chain.epilogue_in);
}

void reference_conv2d_chain(const Node& node) {
  const ConvChain chain = ConvChain::decode(node);
  std::vector<double> x(static_cast<size_t>(node.in[0].count()));
  for (size_t i = 0; i < x.size(); ++i) x[i] = node.in[0].get(static_cast<int64_t>(i));
  for (const ChainLayer& layer : chain.layers) {
    const ConvShape& z = layer.shape;
    const bool last = &layer == &chain.layers.back();
    const int64_t channels = layer.transposed ? z.c : z.o, pixels = layer.transposed ? z.h * z.w : z.p * z.q;
    const auto sum_of = layer.transposed ? reference_conv_data_grad_sum : reference_conv_sum;
    std::vector<double> y;
    for (int64_t row = 0; row < z.n * channels; ++row)
      for (int64_t col = 0; col < pixels; ++col) {
        const double sum = sum_of(z, x, node.in[layer.weight], row, col);
        if (!last) {
          y.push_back(activate(layer, sum + node.in[layer.weight + 1].get(row % channels)));
          continue;
        }
        double registers[kRegisters] = {};
        reference_pointwise_element(chain.epilogue, node.in.data() + chain.epilogue_in, node.out.data(), sum, row, col,
                                    registers);
      }
    x = std::move(y);
  }
}

}  // namespace kantor
