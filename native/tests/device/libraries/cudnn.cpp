#include "double.h"

using namespace kantor::cuda::cudnn;
using namespace kantor::test;

struct kantor::cuda::cudnn::Context {
  cudaStream_t stream = nullptr;
};
struct kantor::cuda::cudnn::TensorStruct {
  int64_t dims[4] = {};

  uint64_t bytes() const { return uint64_t(dims[0] * dims[1] * dims[2] * dims[3]) * sizeof(float); }
};
struct kantor::cuda::cudnn::FilterStruct : TensorStruct {};
struct kantor::cuda::cudnn::ConvolutionStruct {
  int64_t pad[2] = {}, stride[2] = {}, dilation[2] = {};
  int math = kDefaultMath;
};

KANTOR_DOUBLE size_t cudnnGetVersion() { return static_cast<size_t>(number("KANTOR_DOUBLE_CUDNN", 91002)); }
KANTOR_SAME_TYPE(cudnn, cudnnGetVersion);

KANTOR_DOUBLE const char* cudnnGetErrorString(int status) {
  return status == kBadParam                 ? "CUDNN_STATUS_BAD_PARAM"
         : status == kNotSupported           ? "CUDNN_STATUS_NOT_SUPPORTED"
         : status == kDeviceAllocationFailed ? "CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"
                                             : "unknown";
}
KANTOR_SAME_TYPE(cudnn, cudnnGetErrorString);

namespace {

template <class Struct>
int create(const char* function, Struct** made) {
  if (fails(function)) return kDeviceAllocationFailed;
  *made = new Struct;
  return kSuccess;
}
template <class Struct>
int destroy(Struct* made) {
  delete made;
  return kSuccess;
}

int set(kantor::cuda::cudnn::TensorStruct& of, int format, int type, int n, int c, int h, int w) {
  if (format != kNchw || type != kFloat) return kNotSupported;
  if (n < 1 || c < 1 || h < 1 || w < 1) return kBadParam;
  of.dims[0] = n, of.dims[1] = c, of.dims[2] = h, of.dims[3] = w;
  return kSuccess;
}

}  // namespace

KANTOR_DOUBLE int cudnnCreate(Handle* handle) { return create("cudnnCreate", handle); }
KANTOR_SAME_TYPE(cudnn, cudnnCreate);
KANTOR_DOUBLE int cudnnDestroy(Handle handle) { return destroy(handle); }
KANTOR_SAME_TYPE(cudnn, cudnnDestroy);
KANTOR_DOUBLE int cudnnSetStream(Handle handle, cudaStream_t stream) {
  handle->stream = stream;
  return kSuccess;
}
KANTOR_SAME_TYPE(cudnn, cudnnSetStream);

KANTOR_DOUBLE int cudnnCreateTensorDescriptor(TensorDescriptor* tensor) { return create("cudnnCreateTensorDescriptor", tensor); }
KANTOR_SAME_TYPE(cudnn, cudnnCreateTensorDescriptor);
KANTOR_DOUBLE int cudnnDestroyTensorDescriptor(TensorDescriptor tensor) { return destroy(tensor); }
KANTOR_SAME_TYPE(cudnn, cudnnDestroyTensorDescriptor);
KANTOR_DOUBLE int cudnnSetTensor4dDescriptor(TensorDescriptor tensor, int format, int type, int n, int c, int h, int w) {
  return set(*tensor, format, type, n, c, h, w);
}
KANTOR_SAME_TYPE(cudnn, cudnnSetTensor4dDescriptor);

KANTOR_DOUBLE int cudnnCreateFilterDescriptor(FilterDescriptor* filter) { return create("cudnnCreateFilterDescriptor", filter); }
KANTOR_SAME_TYPE(cudnn, cudnnCreateFilterDescriptor);
KANTOR_DOUBLE int cudnnDestroyFilterDescriptor(FilterDescriptor filter) { return destroy(filter); }
KANTOR_SAME_TYPE(cudnn, cudnnDestroyFilterDescriptor);
KANTOR_DOUBLE int cudnnSetFilter4dDescriptor(FilterDescriptor filter, int type, int format, int k, int c, int h, int w) {
  return set(*filter, format, type, k, c, h, w);
}
KANTOR_SAME_TYPE(cudnn, cudnnSetFilter4dDescriptor);

KANTOR_DOUBLE int cudnnCreateConvolutionDescriptor(ConvolutionDescriptor* convolution) {
  return create("cudnnCreateConvolutionDescriptor", convolution);
}
KANTOR_SAME_TYPE(cudnn, cudnnCreateConvolutionDescriptor);
KANTOR_DOUBLE int cudnnDestroyConvolutionDescriptor(ConvolutionDescriptor convolution) { return destroy(convolution); }
KANTOR_SAME_TYPE(cudnn, cudnnDestroyConvolutionDescriptor);
KANTOR_DOUBLE int cudnnSetConvolution2dDescriptor(ConvolutionDescriptor convolution, int pad_h, int pad_w, int stride_h,
                                                  int stride_w, int dilation_h, int dilation_w, int mode, int compute_type) {
  if (mode != kCrossCorrelation || compute_type != kFloat) return kNotSupported;
  if (pad_h < 0 || pad_w < 0 || stride_h < 1 || stride_w < 1 || dilation_h < 1 || dilation_w < 1) return kBadParam;
  *convolution = {{pad_h, pad_w}, {stride_h, stride_w}, {dilation_h, dilation_w}};
  return kSuccess;
}
KANTOR_SAME_TYPE(cudnn, cudnnSetConvolution2dDescriptor);
KANTOR_DOUBLE int cudnnSetConvolutionMathType(ConvolutionDescriptor convolution, int math_type) {
  if (math_type < kDefaultMath || math_type > kFmaMath) return kBadParam;
  convolution->math = math_type;
  return kSuccess;
}
KANTOR_SAME_TYPE(cudnn, cudnnSetConvolutionMathType);

namespace {

using kantor::cuda::cudnn::ConvolutionStruct;
using kantor::cuda::cudnn::FilterStruct;
using kantor::cuda::cudnn::TensorStruct;

// Its algorithms, fastest first: one that gives other bits each time, one that wants more memory than a GPU has, one that is
// not for this shape, one that rounds to half; then two that can be taken, and need a workspace.
constexpr int kRandom = 0, kGreedy = 1, kUnsupported = 2, kHalf = 3, kRight = 4, kSpare = 5;
constexpr size_t kWorkspace = 768;

int status_of(const TensorStruct& x, const FilterStruct& w, const ConvolutionStruct& z, const TensorStruct& y) {
  if (x.dims[0] != y.dims[0] || x.dims[1] != w.dims[1] || y.dims[1] != w.dims[0]) return kBadParam;
  for (int i = 0; i < 2; ++i) {
    const int64_t reach = x.dims[2 + i] + 2 * z.pad[i] - z.dilation[i] * (w.dims[2 + i] - 1) - 1;
    if (reach < 0 || y.dims[2 + i] != reach / z.stride[i] + 1) return kBadParam;
  }
  return kSuccess;
}

int algorithms(const char* function, int status, const ConvolutionStruct& z, int requested, int* returned, Algorithm* to) {
  if (fails(function)) return kDeviceAllocationFailed;
  if (status != kSuccess) return status;
  const int tensor = z.math == kFmaMath ? kFmaMath : kTensorOpMath;
  const Algorithm all[] = {{kRandom, kSuccess, 1, 0, 0, tensor, {}},
                           {kGreedy, kSuccess, 2, size_t{1} << 40, kDeterministic, tensor, {}},
                           {kUnsupported, kNotSupported, -1, 0, kDeterministic, tensor, {}},
                           {kHalf, kSuccess, 3, 0, kDeterministic, kTensorOpMathAllowConversion, {}},
                           {kRight, kSuccess, 4, kWorkspace, kDeterministic, tensor, {}},
                           {kSpare, kSuccess, 5, kWorkspace, kDeterministic, kDefaultMath, {}}};
  for (*returned = 0; *returned < requested && *returned < int{std::size(all)}; ++*returned) to[*returned] = all[*returned];
  return kSuccess;
}

int workspace(int status, int algorithm, size_t* bytes) {
  if (status != kSuccess) return status;
  if (algorithm == kUnsupported) return kNotSupported;
  *bytes = algorithm == kGreedy ? size_t{1} << 40 : kWorkspace;
  return kSuccess;
}

enum class Direction { forward, data, filter };

// One sum for each element of the output, over the elements of the other two that meet there.
int run(Handle handle, const void* alpha, const void* beta, const TensorStruct& x_is, const void* x_data,
        const FilterStruct& w_is, const void* w_data, const TensorStruct& y_is, const void* y_data,
        const ConvolutionStruct& z, int algorithm, void* scratch, size_t bytes, Direction direction) {
  if (const int status = status_of(x_is, w_is, z, y_is); status != kSuccess) return status;
  if (!handle->stream || *static_cast<const float*>(alpha) != 1 || *static_cast<const float*>(beta) != 0) return kNotSupported;
  if ((algorithm != kRight && algorithm != kSpare) || z.math == kTensorOpMathAllowConversion) return kNotSupported;
  if (!scratch || bytes < kWorkspace || reinterpret_cast<uintptr_t>(scratch) % 16 != 0) return kBadParam;
  auto convolve = [=, touch = work_of(handle->stream).touch] {
    touch(x_data, x_is.bytes(), direction == Direction::data, "cuDNN: x");
    touch(w_data, w_is.bytes(), direction == Direction::filter, "cuDNN: w");
    touch(y_data, y_is.bytes(), direction == Direction::forward, "cuDNN: y");
    touch(scratch, kWorkspace, true, "cuDNN: the workspace");
    const Rounding rounding = z.math == kFmaMath ? Rounding::none : Rounding::tf32;
    const auto *x = static_cast<const float*>(x_data), *w = static_cast<const float*>(w_data),
               *y = static_cast<const float*>(y_data);
    const TensorStruct& out = direction == Direction::forward ? y_is : direction == Direction::data ? x_is : w_is;
    std::vector<double> sums(out.bytes() / sizeof(float));
    const int64_t channels = x_is.dims[1], height = x_is.dims[2], width = x_is.dims[3];
    const int64_t kernel_h = w_is.dims[2], kernel_w = w_is.dims[3];
    for (int64_t n = 0; n < y_is.dims[0]; ++n)
      for (int64_t o = 0; o < y_is.dims[1]; ++o)
        for (int64_t p = 0; p < y_is.dims[2]; ++p)
          for (int64_t q = 0; q < y_is.dims[3]; ++q)
            for (int64_t c = 0; c < channels; ++c)
              for (int64_t r = 0; r < kernel_h; ++r)
                for (int64_t s = 0; s < kernel_w; ++s) {
                  const int64_t row = p * z.stride[0] - z.pad[0] + r * z.dilation[0];
                  const int64_t col = q * z.stride[1] - z.pad[1] + s * z.dilation[1];
                  if (row < 0 || row >= height || col < 0 || col >= width) continue;
                  const int64_t at_x = ((n * channels + c) * height + row) * width + col;
                  const int64_t at_w = ((o * channels + c) * kernel_h + r) * kernel_w + s;
                  const int64_t at_y = ((n * y_is.dims[1] + o) * y_is.dims[2] + p) * y_is.dims[3] + q;
                  auto product = [&](float a, float b) { return double{rounded(a, rounding)} * double{rounded(b, rounding)}; };
                  if (direction == Direction::forward) sums[size_t(at_y)] += product(x[at_x], w[at_w]);
                  else if (direction == Direction::data) sums[size_t(at_x)] += product(y[at_y], w[at_w]);
                  else sums[size_t(at_w)] += product(y[at_y], x[at_x]);
                }
    auto* to = static_cast<float*>(const_cast<void*>(
        direction == Direction::forward ? y_data : direction == Direction::data ? x_data : w_data));
    for (size_t i = 0; i < sums.size(); ++i) to[i] = static_cast<float>(sums[i]);
  };
  kantor::emulator::HostWork& stream = work_of(handle->stream);
  stream.put(&stream, convolve);
  return kSuccess;
}

}  // namespace

KANTOR_DOUBLE int cudnnGetConvolutionForwardAlgorithm_v7(Handle, TensorDescriptor x, FilterDescriptor w,
                                                         ConvolutionDescriptor z, TensorDescriptor y, int requested,
                                                         int* returned, Algorithm* to) {
  return algorithms("cudnnGetConvolutionForwardAlgorithm_v7", status_of(*x, *w, *z, *y), *z, requested, returned, to);
}
KANTOR_SAME_TYPE(cudnn, cudnnGetConvolutionForwardAlgorithm_v7);
KANTOR_DOUBLE int cudnnGetConvolutionBackwardDataAlgorithm_v7(Handle, FilterDescriptor w, TensorDescriptor dy,
                                                              ConvolutionDescriptor z, TensorDescriptor dx, int requested,
                                                              int* returned, Algorithm* to) {
  return algorithms("cudnnGetConvolutionBackwardDataAlgorithm_v7", status_of(*dx, *w, *z, *dy), *z, requested, returned, to);
}
KANTOR_SAME_TYPE(cudnn, cudnnGetConvolutionBackwardDataAlgorithm_v7);
KANTOR_DOUBLE int cudnnGetConvolutionBackwardFilterAlgorithm_v7(Handle, TensorDescriptor x, TensorDescriptor dy,
                                                                ConvolutionDescriptor z, FilterDescriptor dw, int requested,
                                                                int* returned, Algorithm* to) {
  return algorithms("cudnnGetConvolutionBackwardFilterAlgorithm_v7", status_of(*x, *dw, *z, *dy), *z, requested, returned, to);
}
KANTOR_SAME_TYPE(cudnn, cudnnGetConvolutionBackwardFilterAlgorithm_v7);

KANTOR_DOUBLE int cudnnGetConvolutionForwardWorkspaceSize(Handle, TensorDescriptor x, FilterDescriptor w,
                                                          ConvolutionDescriptor z, TensorDescriptor y, int algorithm,
                                                          size_t* bytes) {
  return workspace(status_of(*x, *w, *z, *y), algorithm, bytes);
}
KANTOR_SAME_TYPE(cudnn, cudnnGetConvolutionForwardWorkspaceSize);
KANTOR_DOUBLE int cudnnGetConvolutionBackwardDataWorkspaceSize(Handle, FilterDescriptor w, TensorDescriptor dy,
                                                               ConvolutionDescriptor z, TensorDescriptor dx, int algorithm,
                                                               size_t* bytes) {
  return workspace(status_of(*dx, *w, *z, *dy), algorithm, bytes);
}
KANTOR_SAME_TYPE(cudnn, cudnnGetConvolutionBackwardDataWorkspaceSize);
KANTOR_DOUBLE int cudnnGetConvolutionBackwardFilterWorkspaceSize(Handle, TensorDescriptor x, TensorDescriptor dy,
                                                                 ConvolutionDescriptor z, FilterDescriptor dw, int algorithm,
                                                                 size_t* bytes) {
  return workspace(status_of(*x, *dw, *z, *dy), algorithm, bytes);
}
KANTOR_SAME_TYPE(cudnn, cudnnGetConvolutionBackwardFilterWorkspaceSize);

KANTOR_DOUBLE int cudnnConvolutionForward(Handle handle, const void* alpha, TensorDescriptor x_is, const void* x,
                                          FilterDescriptor w_is, const void* w, ConvolutionDescriptor z, int algorithm,
                                          void* scratch, size_t bytes, const void* beta, TensorDescriptor y_is, void* y) {
  if (fails("cudnnConvolutionForward")) return kNotSupported;
  return run(handle, alpha, beta, *x_is, x, *w_is, w, *y_is, y, *z, algorithm, scratch, bytes, Direction::forward);
}
KANTOR_SAME_TYPE(cudnn, cudnnConvolutionForward);
KANTOR_DOUBLE int cudnnConvolutionBackwardData(Handle handle, const void* alpha, FilterDescriptor w_is, const void* w,
                                               TensorDescriptor dy_is, const void* dy, ConvolutionDescriptor z, int algorithm,
                                               void* scratch, size_t bytes, const void* beta, TensorDescriptor dx_is,
                                               void* dx) {
  return run(handle, alpha, beta, *dx_is, dx, *w_is, w, *dy_is, dy, *z, algorithm, scratch, bytes, Direction::data);
}
KANTOR_SAME_TYPE(cudnn, cudnnConvolutionBackwardData);
KANTOR_DOUBLE int cudnnConvolutionBackwardFilter(Handle handle, const void* alpha, TensorDescriptor x_is, const void* x,
                                                 TensorDescriptor dy_is, const void* dy, ConvolutionDescriptor z,
                                                 int algorithm, void* scratch, size_t bytes, const void* beta,
                                                 FilterDescriptor dw_is, void* dw) {
  return run(handle, alpha, beta, *x_is, x, *dw_is, dw, *dy_is, dy, *z, algorithm, scratch, bytes, Direction::filter);
}
KANTOR_SAME_TYPE(cudnn, cudnnConvolutionBackwardFilter);
