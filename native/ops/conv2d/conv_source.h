// Where the convolution kernels get an operand's planes from. They read X and dY through this class alone, so what an
// operand is (a tensor as it lies, or what a prologue makes of tensors while they are read) is no concern of theirs.
#pragma once
#include <optional>

#include "ops/conv2d/conv2d.h"
#include "ops/pointwise/pointwise_eval.h"

namespace kantor::KANTOR_ISA {
namespace {

class ConvSource {
 public:
  // The planes of node.in[operand], [N, C, H, W].
  ConvSource(const Node& node, size_t operand, const ConvPrologue& prologue)
      : data_(node.in[operand].f32()), plane_size_(node.in[operand].dims[2] * node.in[operand].dims[3]) {
    if (prologue.result >= 0)
      prologue_.emplace(prologue.program, node.in.data() + prologue.first_in, nullptr,
                        PwKernel::Options{.result = prologue.result, .result_to = true});
  }

  // How many floats `buffer` must hold for reads of at most so many elements.
  int64_t buffer_floats(int64_t count) const { return prologue_ ? count : 0; }

  // Elements [from, from + count), if any, of plane n * C + c, rows following each other: where they lie, or in `buffer`,
  // which the next read may overwrite.
  const float* read(int64_t plane, int64_t from, int64_t count, float* buffer) const {
    const float* elements = data_ + plane * plane_size_ + from;
    if (!prologue_) return elements;
    if (count > 0) prologue_->run_to({plane, 1, from, count}, elements, count, buffer, count);
    return buffer;
  }

 private:
  const float* data_;
  int64_t plane_size_;
  std::optional<PwKernel> prologue_;
};

}  // namespace
}  // namespace kantor::KANTOR_ISA
