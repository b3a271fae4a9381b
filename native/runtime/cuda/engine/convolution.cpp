#include "runtime/cuda/engine/convolution.h"

#include <algorithm>
#include <climits>

namespace kantor::cuda {

namespace {

constexpr int kAlgorithms = 16;  // more than there are of a direction

// Whether the library takes the case; errors that say nothing of it are thrown.
bool takes(const Engine& engine, int status, const char* function) {
  const bool refuses = status / 1000 * 1000 == cudnn::kBadParam || status / 1000 * 1000 == cudnn::kNotSupported;
  if (!refuses) engine.expect_cudnn(status, function);
  return !refuses;
}

}  // namespace

std::shared_ptr<const Convolution> Convolution::plan(Engine& engine, ConvDirection direction, const ConvShape& z,
                                                     Precision precision) {
  if (precision == Precision::bf16) return nullptr;
  if (std::max({z.n * z.c * z.h * z.w, z.o * z.c * z.r * z.s, z.n * z.o * z.p * z.q}) > INT_MAX / 2) return nullptr;
  std::shared_ptr<Convolution> planned(new Convolution(engine, direction));
  return planned->describe(z) && planned->choose(precision) ? planned : nullptr;
}

Convolution::~Convolution() {
  const cudnn::Functions& f = engine_.cudnn_functions();
  if (x_) f.cudnnDestroyTensorDescriptor(x_);
  if (y_) f.cudnnDestroyTensorDescriptor(y_);
  if (w_) f.cudnnDestroyFilterDescriptor(w_);
  if (convolution_) f.cudnnDestroyConvolutionDescriptor(convolution_);
}

bool Convolution::describe(const ConvShape& z) {
  const cudnn::Functions& f = engine_.cudnn_functions();
  engine_.expect_cudnn(f.cudnnCreateTensorDescriptor(&x_), "cudnnCreateTensorDescriptor");
  engine_.expect_cudnn(f.cudnnCreateTensorDescriptor(&y_), "cudnnCreateTensorDescriptor");
  engine_.expect_cudnn(f.cudnnCreateFilterDescriptor(&w_), "cudnnCreateFilterDescriptor");
  engine_.expect_cudnn(f.cudnnCreateConvolutionDescriptor(&convolution_), "cudnnCreateConvolutionDescriptor");
  auto narrow = [](int64_t n) { return static_cast<int>(std::min<int64_t>(n, INT_MAX)); };
  auto tensor = [&](cudnn::TensorDescriptor t, int64_t n, int64_t c, int64_t h, int64_t w) {
    return takes(engine_,
                 f.cudnnSetTensor4dDescriptor(t, cudnn::kNchw, cudnn::kFloat, narrow(n), narrow(c), narrow(h), narrow(w)),
                 "cudnnSetTensor4dDescriptor");
  };
  return tensor(x_, z.n, z.c, z.h, z.w) && tensor(y_, z.n, z.o, z.p, z.q) &&
         takes(engine_,
               f.cudnnSetFilter4dDescriptor(w_, cudnn::kFloat, cudnn::kNchw, narrow(z.o), narrow(z.c), narrow(z.r),
                                            narrow(z.s)),
               "cudnnSetFilter4dDescriptor") &&
         takes(engine_,
               f.cudnnSetConvolution2dDescriptor(convolution_, narrow(z.ph), narrow(z.pw), narrow(z.sh), narrow(z.sw),
                                                 narrow(z.dh), narrow(z.dw), cudnn::kCrossCorrelation, cudnn::kFloat),
               "cudnnSetConvolution2dDescriptor");
}

bool Convolution::choose(Precision precision) {
  const cudnn::Functions& f = engine_.cudnn_functions();
  const cudnn::Handle handle = engine_.cudnn();
  auto set_math = [&](int type) {
    engine_.expect_cudnn(f.cudnnSetConvolutionMathType(convolution_, type), "cudnnSetConvolutionMathType");
  };
  const bool plain = precision == Precision::fp32;
  set_math(plain ? cudnn::kFmaMath : cudnn::kDefaultMath);
  cudnn::Algorithm found[kAlgorithms] = {};
  int count = 0;
  switch (direction_) {
    case ConvDirection::forward:
      if (!takes(engine_,
                 f.cudnnGetConvolutionForwardAlgorithm_v7(handle, x_, w_, convolution_, y_, kAlgorithms, &count, found),
                 "cudnnGetConvolutionForwardAlgorithm_v7"))
        return false;
      break;
    case ConvDirection::data_grad:
      if (!takes(engine_,
                 f.cudnnGetConvolutionBackwardDataAlgorithm_v7(handle, w_, y_, convolution_, x_, kAlgorithms, &count, found),
                 "cudnnGetConvolutionBackwardDataAlgorithm_v7"))
        return false;
      break;
    case ConvDirection::weight_grad:
      if (!takes(engine_,
                 f.cudnnGetConvolutionBackwardFilterAlgorithm_v7(handle, x_, y_, convolution_, w_, kAlgorithms, &count,
                                                                 found),
                 "cudnnGetConvolutionBackwardFilterAlgorithm_v7"))
        return false;
      break;
  }
  for (const cudnn::Algorithm& a : std::vector(found, found + std::clamp(count, 0, kAlgorithms))) {
    if (a.status != cudnn::kSuccess || a.determinism != cudnn::kDeterministic) continue;
    if (a.math_type == cudnn::kTensorOpMathAllowConversion) continue;  // it might round to half
    if (!plain) set_math(a.math_type);                                 // else plain math, whatever was proposed
    if (workspace_of(a.algorithm, &workspace_bytes_) != cudnn::kSuccess || workspace_bytes_ > kMostWorkspace) continue;
    algorithm_ = a.algorithm;
    return true;
  }
  return false;
}

int Convolution::workspace_of(int algorithm, size_t* bytes) const {
  const cudnn::Functions& f = engine_.cudnn_functions();
  const cudnn::Handle handle = engine_.cudnn();
  switch (direction_) {
    case ConvDirection::forward:
      return f.cudnnGetConvolutionForwardWorkspaceSize(handle, x_, w_, convolution_, y_, algorithm, bytes);
    case ConvDirection::data_grad:
      return f.cudnnGetConvolutionBackwardDataWorkspaceSize(handle, w_, y_, convolution_, x_, algorithm, bytes);
    case ConvDirection::weight_grad:
      return f.cudnnGetConvolutionBackwardFilterWorkspaceSize(handle, x_, y_, convolution_, w_, algorithm, bytes);
  }
  return cudnn::kNotSupported;
}

void Convolution::run(float* x, float* w, float* y, std::byte* workspace, cudaStream_t stream) const {
  const cudnn::Functions& f = engine_.cudnn_functions();
  const cudnn::Handle handle = engine_.cudnn();
  engine_.expect_cudnn(f.cudnnSetStream(handle, stream), "cudnnSetStream");
  const float one = 1, zero = 0;
  switch (direction_) {
    case ConvDirection::forward:
      return engine_.expect_cudnn(f.cudnnConvolutionForward(handle, &one, x_, x, w_, w, convolution_, algorithm_, workspace,
                                                            workspace_bytes_, &zero, y_, y),
                                  "cudnnConvolutionForward");
    case ConvDirection::data_grad:
      return engine_.expect_cudnn(f.cudnnConvolutionBackwardData(handle, &one, w_, w, y_, y, convolution_, algorithm_,
                                                                 workspace, workspace_bytes_, &zero, x_, x),
                                  "cudnnConvolutionBackwardData");
    case ConvDirection::weight_grad:
      return engine_.expect_cudnn(f.cudnnConvolutionBackwardFilter(handle, &one, x_, x, y_, y, convolution_, algorithm_,
                                                                   workspace, workspace_bytes_, &zero, w_, w),
                                  "cudnnConvolutionBackwardFilter");
  }
}

}  // namespace kantor::cuda
