// conv2d_chain: convolutions one after the other, of which only the last one's result is stored.
//
//   X_k = activation_k(conv_k(X_{k-1}, W_k) + b_k), k = 1 .. K-1        b_k by channel
//   Y = conv_K(X_{K-1}, W_K)
//
//   conv_k is conv2d (ops/conv2d/conv2d.h) or, where transposed_k is 1, conv2d_data_grad (ops/conv2d_data_grad)
//
//   in: X_0 [N, C, H, W]; W_1 [O_1, C, R_1, S_1] ([C, O_1, R_1, S_1] if transposed), b_1 of O_1 elements, W_2, b_2,
//       ..., W_K; then the epilogue's operands
//   out: the epilogue's stores, each [N, O_K, height, width] (overwritten)
//   attributes: K (2 .. 8); for each k transposed_k (0, 1), SH, SW, PH, PW, DH, DW, the height and the width of what the
//               layer makes, and for k < K activation_k (0 none, 1 ReLU, 2 leaky ReLU) and its slope as a float; epilogue
//   epilogue: as that of conv2d, of Y
//
// Outputs overlap no X, W or b. The order of each sum is fixed by the shapes alone: any number of threads gives the same
// bits. Zeros around an X_k are multiplied like other values, and Winograd's algorithm computes what conv_method.h says.
//
// On a CPU, what an X_k would take in memory it takes in the cache, a few rows at a time: rows of X_k are computed when rows of
// X_{k+1} are about to be. So this pays where an X_k is large and the convolution before or after it does little with it,
// one from or to few channels: such a layer costs no more than moving X_k would.
#pragma once
#include "ops/conv2d/conv2d.h"

namespace kantor {

enum class ChainActivation { none, relu, leaky_relu };

struct ChainLayer {
  ConvShape shape;
  bool transposed;
  size_t weight;  // which input; the bias, but for the last layer, is the next
  ChainActivation activation = ChainActivation::none;
  float slope = 0;
};

struct ConvChain {
  std::vector<ChainLayer> layers;
  PwProgram epilogue;
  size_t epilogue_in;  // its first operand

  // Fails through node.reject.
  static ConvChain decode(const Node& node);
};

void validate_conv2d_chain(const Node&);
void reference_conv2d_chain(const Node&);
}  // namespace kantor
