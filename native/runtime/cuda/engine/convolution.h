// A convolution of ops/conv2d or one of its gradients by cuDNN: descriptors, and an algorithm that was chosen by what the
// library expects of it, not by timing, which would choose another each time.
#pragma once
#include <memory>

#include "ops/conv2d/conv2d.h"
#include "runtime/cuda/engine/engine.h"

namespace kantor::cuda {

enum class ConvDirection { forward, data_grad, weight_grad };

class Convolution {
 public:
  // Null where cuDNN has no algorithm for it that computes in the precision, gives the same bits each time, and needs no more
  // memory than kMostWorkspace.
  static std::shared_ptr<const Convolution> plan(Engine& engine, ConvDirection direction, const ConvShape& shape,
                                                 Precision precision);
  ~Convolution();
  Convolution(const Convolution&) = delete;
  Convolution& operator=(const Convolution&) = delete;

  int64_t workspace_bytes() const { return static_cast<int64_t>(workspace_bytes_); }
  // Overwrites what the direction says: y, x or w.
  void run(float* x, float* w, float* y, std::byte* workspace, cudaStream_t stream) const;

 private:
  static constexpr size_t kMostWorkspace = size_t{512} << 20;

  Convolution(Engine& engine, ConvDirection direction) : engine_(engine), direction_(direction) {}
  bool describe(const ConvShape& shape);
  bool choose(Precision precision);
  int workspace_of(int algorithm, size_t* bytes) const;

  Engine& engine_;
  ConvDirection direction_;
  cudnn::TensorDescriptor x_ = nullptr, y_ = nullptr;
  cudnn::FilterDescriptor w_ = nullptr;
  cudnn::ConvolutionDescriptor convolution_ = nullptr;
  int algorithm_ = 0;
  size_t workspace_bytes_ = 0;
};

}  // namespace kantor::cuda
