// Where the convolution kernels get an operand's planes from. They read X and dY through this class alone, so what an
// operand is (a tensor as it lies, or what a prologue makes of tensors while they are read) is no concern of theirs.
#pragma once
#include <optional>

#include "ops/conv2d/channel_map.h"
#include "ops/pointwise/pointwise_eval.h"

namespace kantor::KANTOR_ISA {
namespace {

class ConvSource {
 public:
  // The planes of node.in[operand], [N, C, H, W].
  ConvSource(const Node& node, size_t operand, const ConvPrologue& prologue)
      : data_(node.in[operand].f32()), plane_size_(node.in[operand].dims[2] * node.in[operand].dims[3]) {
    if (prologue.result < 0) return;
    map_ = ChannelMap::recognise(node, prologue);
    if (!map_)
      prologue_.emplace(prologue.program, node.in.data() + prologue.first_in, nullptr,
                        PwKernel::Options{.result = prologue.result, .result_to = true});
  }

  // The map that makes each element of the one that `stored` gives, if that is all that the prologue does: for those who
  // can apply it to vectors of their own.
  const ChannelMap* map() const { return map_ ? &*map_ : nullptr; }
  const float* stored(int64_t plane, int64_t from) const { return data_ + plane * plane_size_ + from; }

  // How many floats `buffer` must hold for reads of at most so many elements.
  int64_t buffer_floats(int64_t count) const { return map_ || prologue_ ? count : 0; }

  // Elements [from, from + count), if any, of plane n * C + c, rows following each other: where they lie, or in `buffer`,
  // which the next read may overwrite.
  const float* read(int64_t plane, int64_t from, int64_t count, float* buffer) const {
    const float* elements = stored(plane, from);
    if (map_) map_->along(plane, elements, count, buffer);
    else if (!prologue_) return elements;
    else if (count > 0) prologue_->run_to({plane, 1, from, count}, elements, count, buffer, count);
    return buffer;
  }

 private:
  const float* data_;
  int64_t plane_size_;
  std::optional<ChannelMap> map_;  // what makes the elements, or
  std::optional<PwKernel> prologue_;
};

}  // namespace
}  // namespace kantor::KANTOR_ISA
