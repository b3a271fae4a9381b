// What the three convolution ops share where cuDNN runs them.
#pragma once
#include "ops/conv2d/conv2d.h"
#include "runtime/cuda/engine/convolution.h"

namespace kantor::cuda {

// node.in[operand] as the sums take it: itself, or in scratch what a prologue makes of it, by a kernel of its own.
float* enqueue_operand(const Node& node, size_t operand, const ConvPrologue& prologue, Recorder& r);

// conv2d, whose output is Y, and conv2d_data_grad, whose output is X.
EngineStep plan_convolution(const Node& node, Engine& engine, ConvDirection direction, const ConvShape& shape,
                            bool may_store);

}  // namespace kantor::cuda
