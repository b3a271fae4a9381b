// The few functions of cuBLAS (12 and 13) and cuDNN (9) that the engine calls, with the names, the order of arguments and
// the numbers of NVIDIA's headers (cublas_api.h, library_types.h, cudnn_graph.h, cudnn_ops.h, cudnn_cnn.h), none of which a
// build needs: libraries.h finds the functions when a user asks for them. Enumerations are ints, as C passes them.
#pragma once
#include <cstddef>

#include "runtime/cuda/device.h"

namespace kantor::cuda {

namespace cublas {
using Handle = struct Context*;
constexpr int kSuccess = 0, kNotInitialized = 1, kAllocFailed = 3, kInvalidValue = 7, kNotSupported = 15;
constexpr int kMajorVersion = 0, kMinorVersion = 1, kPatchLevel = 2;  // libraryPropertyType
constexpr int kNone = 0, kTransposed = 1;                             // cublasOperation_t
constexpr int kReal32 = 0;                                            // cudaDataType_t: CUDA_R_32F
// cublasComputeType_t. Pedantic: plain float32; the others may round float32 factors to bfloat16 or TF32, and to TF32.
constexpr int kCompute32Pedantic = 69, kCompute32FastBf16 = 75, kCompute32FastTf32 = 77;
constexpr int kGemmDefault = -1;  // cublasGemmAlgo_t

struct Functions {
  int (*cublasGetProperty)(int property, int* value);
  const char* (*cublasGetStatusName)(int status);
  int (*cublasCreate_v2)(Handle* handle);
  int (*cublasDestroy_v2)(Handle handle);
  int (*cublasSetStream_v2)(Handle handle, cudaStream_t stream);  // takes a workspace that was set away
  int (*cublasSetWorkspace_v2)(Handle handle, void* workspace, size_t bytes);
  // Matrices by columns: C (m x n) = alpha * op(A) (m x k) * op(B) (k x n) + beta * C. alpha and beta are the host's.
  int (*cublasGemmEx)(Handle handle, int op_a, int op_b, int m, int n, int k, const void* alpha, const void* a, int a_type,
                      int lda, const void* b, int b_type, int ldb, const void* beta, void* c, int c_type, int ldc,
                      int compute_type, int algorithm);
};
}  // namespace cublas

namespace cudnn {
using Handle = struct Context*;
using TensorDescriptor = struct TensorStruct*;
using FilterDescriptor = struct FilterStruct*;
using ConvolutionDescriptor = struct ConvolutionStruct*;
constexpr int kSuccess = 0, kBadParam = 2000, kNotSupported = 3000;
constexpr int kDeviceAllocationFailed = 4004;  // CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED
constexpr int kFloat = 0;                      // cudnnDataType_t
constexpr int kNchw = 0;                       // cudnnTensorFormat_t
constexpr int kCrossCorrelation = 1;           // cudnnConvolutionMode_t
// cudnnMathType_t. The default may round float32 to TF32; AllowConversion to half as well; FMA is plain float32.
constexpr int kDefaultMath = 0, kTensorOpMath = 1, kTensorOpMathAllowConversion = 2, kFmaMath = 3;
constexpr int kDeterministic = 1;  // cudnnDeterminism_t

// cudnnConvolutionFwdAlgoPerf_t, and those of BwdData and BwdFilter, which are laid out alike.
struct Algorithm {
  int algorithm, status;
  float time;
  size_t memory;
  int determinism, math_type;
  int reserved[3];
};
static_assert(sizeof(Algorithm) == 48 && offsetof(Algorithm, memory) == 16);

struct Functions {
  size_t (*cudnnGetVersion)();  // major * 10000 + minor * 100 + patch since 9
  const char* (*cudnnGetErrorString)(int status);
  int (*cudnnCreate)(Handle* handle);
  int (*cudnnDestroy)(Handle handle);
  int (*cudnnSetStream)(Handle handle, cudaStream_t stream);

  int (*cudnnCreateTensorDescriptor)(TensorDescriptor* tensor);
  int (*cudnnDestroyTensorDescriptor)(TensorDescriptor tensor);
  int (*cudnnSetTensor4dDescriptor)(TensorDescriptor tensor, int format, int type, int n, int c, int h, int w);
  int (*cudnnCreateFilterDescriptor)(FilterDescriptor* filter);
  int (*cudnnDestroyFilterDescriptor)(FilterDescriptor filter);
  int (*cudnnSetFilter4dDescriptor)(FilterDescriptor filter, int type, int format, int k, int c, int h, int w);
  int (*cudnnCreateConvolutionDescriptor)(ConvolutionDescriptor* convolution);
  int (*cudnnDestroyConvolutionDescriptor)(ConvolutionDescriptor convolution);
  int (*cudnnSetConvolution2dDescriptor)(ConvolutionDescriptor convolution, int pad_h, int pad_w, int stride_h, int stride_w,
                                         int dilation_h, int dilation_w, int mode, int compute_type);
  int (*cudnnSetConvolutionMathType)(ConvolutionDescriptor convolution, int math_type);

  // What the library expects to be fastest, first; nothing is run.
  int (*cudnnGetConvolutionForwardAlgorithm_v7)(Handle handle, TensorDescriptor x, FilterDescriptor w,
                                                ConvolutionDescriptor convolution, TensorDescriptor y, int requested,
                                                int* returned, Algorithm* algorithms);
  int (*cudnnGetConvolutionBackwardDataAlgorithm_v7)(Handle handle, FilterDescriptor w, TensorDescriptor dy,
                                                     ConvolutionDescriptor convolution, TensorDescriptor dx, int requested,
                                                     int* returned, Algorithm* algorithms);
  int (*cudnnGetConvolutionBackwardFilterAlgorithm_v7)(Handle handle, TensorDescriptor x, TensorDescriptor dy,
                                                       ConvolutionDescriptor convolution, FilterDescriptor dw, int requested,
                                                       int* returned, Algorithm* algorithms);
  int (*cudnnGetConvolutionForwardWorkspaceSize)(Handle handle, TensorDescriptor x, FilterDescriptor w,
                                                 ConvolutionDescriptor convolution, TensorDescriptor y, int algorithm,
                                                 size_t* bytes);
  int (*cudnnGetConvolutionBackwardDataWorkspaceSize)(Handle handle, FilterDescriptor w, TensorDescriptor dy,
                                                      ConvolutionDescriptor convolution, TensorDescriptor dx, int algorithm,
                                                      size_t* bytes);
  int (*cudnnGetConvolutionBackwardFilterWorkspaceSize)(Handle handle, TensorDescriptor x, TensorDescriptor dy,
                                                        ConvolutionDescriptor convolution, FilterDescriptor dw,
                                                        int algorithm, size_t* bytes);

  // output = alpha * convolution + beta * output, by the algorithm.
  int (*cudnnConvolutionForward)(Handle handle, const void* alpha, TensorDescriptor x_is, const void* x,
                                 FilterDescriptor w_is, const void* w, ConvolutionDescriptor convolution, int algorithm,
                                 void* workspace, size_t bytes, const void* beta, TensorDescriptor y_is, void* y);
  int (*cudnnConvolutionBackwardData)(Handle handle, const void* alpha, FilterDescriptor w_is, const void* w,
                                      TensorDescriptor dy_is, const void* dy, ConvolutionDescriptor convolution,
                                      int algorithm, void* workspace, size_t bytes, const void* beta, TensorDescriptor dx_is,
                                      void* dx);
  int (*cudnnConvolutionBackwardFilter)(Handle handle, const void* alpha, TensorDescriptor x_is, const void* x,
                                        TensorDescriptor dy_is, const void* dy, ConvolutionDescriptor convolution,
                                        int algorithm, void* workspace, size_t bytes, const void* beta,
                                        FilterDescriptor dw_is, void* dw);
};
}  // namespace cudnn

}  // namespace kantor::cuda
