#include "ops/conv2d_chain/conv2d_chain.h"

#include <algorithm>

#include "ops/operands.h"

namespace kantor {
namespace {

constexpr int64_t kMostLayers = 8;
constexpr size_t kGeometryWords = 6, kActivationWords = 2;

long long wide(int64_t value) { return static_cast<long long>(value); }

// The extent of what a layer makes; 1 where there is none, which conv_shape will reject.
int64_t out_extent(int64_t in, int64_t kernel, int64_t stride, int64_t padding, int64_t dilation) {
  constexpr int64_t kLimit = int64_t{1} << 24;  // conv_shape's
  if (stride < 1 || padding < 0 || dilation < 1 || std::max({stride, padding, dilation}) > kLimit) return 1;
  return std::max<int64_t>(0, in + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1;
}

double activate(const ChainLayer& layer, double x) {
  if (layer.activation == ChainActivation::none || x > 0 || x != x) return x;
  return layer.activation == ChainActivation::relu ? 0 : layer.slope * x;
}

}  // namespace

ConvChain ConvChain::decode(const Node& node) {
  node.expect_at_least(4, 1, 1);
  const int64_t count = node.attributes[0];
  if (count < 2 || count > kMostLayers) node.reject("%lld layers; expected 2 to %lld", wide(count), wide(kMostLayers));
  const size_t inputs = 2 * static_cast<size_t>(count), words = 1 + kGeometryWords * static_cast<size_t>(count) +
                                                                kActivationWords * static_cast<size_t>(count - 1);
  node.expect_at_least(inputs, 1, words);
  ConvChain chain;
  size_t position = 1;
  Tensor x = node.in[0];
  for (size_t k = 0; k < static_cast<size_t>(count); ++k) {
    const bool last = k + 1 == static_cast<size_t>(count);
    ChainLayer layer;
    layer.weight = 1 + 2 * k;
    const Tensor& weight = node.in[layer.weight];
    const auto words_at = node.attributes.begin() + static_cast<ptrdiff_t>(position);
    const Node part = {node.op, {}, {}, {words_at, words_at + kGeometryWords}};
    const std::vector<int64_t>& a = part.attributes;
    position += kGeometryWords;
    Tensor y = {nullptr, x.dtype, 4, {x.dims[0], weight.dims[0], out_extent(x.dims[2], weight.dims[2], a[0], a[2], a[4]),
                                      out_extent(x.dims[3], weight.dims[3], a[1], a[3], a[5])}};
    layer.shape = conv_shape(part, x, weight, last ? node.out[0] : y);
    if (!last) {
      const Tensor& bias = node.in[layer.weight + 1];
      if (bias.count() != weight.dims[0])
        node.reject("bias %zu is %s; expected %lld elements, one for each channel", k + 1, bias.describe().c_str(),
                    wide(weight.dims[0]));
      const int64_t activation = node.attributes[position];
      if (activation < 0 || activation > static_cast<int64_t>(ChainActivation::leaky_relu))
        node.reject("activation %zu is %lld; expected 0 (none), 1 (ReLU) or 2 (leaky ReLU)", k + 1, wide(activation));
      layer.activation = static_cast<ChainActivation>(activation);
      layer.slope = node.attribute_f32(position + 1);
      position += kActivationWords;
    }
    chain.layers.push_back(layer);
    x = y;
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
    std::vector<double> y;
    for (int64_t row = 0; row < z.n * z.o; ++row)
      for (int64_t col = 0; col < z.p * z.q; ++col) {
        const double sum = reference_conv_sum(z, x, node.in[layer.weight], row, col);
        if (!last) {
          y.push_back(activate(layer, sum + node.in[layer.weight + 1].get(row % z.o)));
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
