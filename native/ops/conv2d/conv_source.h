// Where the convolution kernels get an operand's planes from. They read X and dY through this class alone, so what an
// operand is (a tensor as it lies, or something made of tensors while they are read) is no concern of theirs.
#pragma once
#include "runtime/op.h"

namespace kantor::KANTOR_ISA {
namespace {

class ConvSource {
 public:
  // The planes of a tensor [N, C, H, W].
  explicit ConvSource(const Tensor& tensor) : data_(tensor.f32()), plane_size_(tensor.dims[2] * tensor.dims[3]) {}

  // How many floats `buffer` must hold for reads of at most so many elements.
  int64_t buffer_floats(int64_t /*count*/) const { return 0; }

  // Elements [from, from + count), if any, of plane n * C + c, rows following each other: where they lie, or in `buffer`,
  // which the next read may overwrite.
  const float* read(int64_t plane, int64_t from, int64_t /*count*/, float* /*buffer*/) const {
    return data_ + plane * plane_size_ + from;
  }

 private:
  const float* data_;
  int64_t plane_size_;
};

}  // namespace
}  // namespace kantor::KANTOR_ISA
