#include "double.h"

using namespace kantor::cuda::cublas;
using namespace kantor::test;

struct kantor::cuda::cublas::Context {
  cudaStream_t stream = nullptr;
  void* workspace = nullptr;
  size_t bytes = 0;
};

KANTOR_DOUBLE int cublasGetProperty(int property, int* value) {
  const int version = number("KANTOR_DOUBLE_CUBLAS", 120903);
  const int parts[] = {version / 10000, version % 10000 / 100, version % 100};
  if (property < kMajorVersion || property > kPatchLevel) return kInvalidValue;
  *value = parts[property];
  return kSuccess;
}
KANTOR_SAME_TYPE(cublas, cublasGetProperty);

KANTOR_DOUBLE const char* cublasGetStatusName(int status) {
  return status == kNotInitialized ? "CUBLAS_STATUS_NOT_INITIALIZED"
         : status == kAllocFailed  ? "CUBLAS_STATUS_ALLOC_FAILED"
         : status == kInvalidValue ? "CUBLAS_STATUS_INVALID_VALUE"
         : status == kNotSupported ? "CUBLAS_STATUS_NOT_SUPPORTED"
                                   : "unknown";
}
KANTOR_SAME_TYPE(cublas, cublasGetStatusName);

KANTOR_DOUBLE int cublasCreate_v2(Handle* handle) {
  if (fails("cublasCreate")) return kAllocFailed;
  *handle = new kantor::cuda::cublas::Context;
  return kSuccess;
}
KANTOR_SAME_TYPE(cublas, cublasCreate_v2);

KANTOR_DOUBLE int cublasDestroy_v2(Handle handle) {
  delete handle;
  return kSuccess;
}
KANTOR_SAME_TYPE(cublas, cublasDestroy_v2);

KANTOR_DOUBLE int cublasSetStream_v2(Handle handle, cudaStream_t stream) {
  *handle = {stream};
  return kSuccess;
}
KANTOR_SAME_TYPE(cublas, cublasSetStream_v2);

KANTOR_DOUBLE int cublasSetWorkspace_v2(Handle handle, void* workspace, size_t bytes) {
  if (reinterpret_cast<uintptr_t>(workspace) % 256 != 0) return kInvalidValue;
  handle->workspace = workspace;
  handle->bytes = bytes;
  return kSuccess;
}
KANTOR_SAME_TYPE(cublas, cublasSetWorkspace_v2);

namespace {

Rounding rounding_of(int compute_type) {
  return compute_type == kCompute32FastTf32 ? Rounding::tf32
         : compute_type == kCompute32FastBf16 ? Rounding::bf16
                                              : Rounding::none;
}

// A matrix by columns.
struct Matrix {
  const float* data;
  int rows, cols, stride;

  uint64_t bytes() const { return (uint64_t(stride) * uint64_t(cols - 1) + uint64_t(rows)) * sizeof(float); }
  float at(int row, int col) const { return data[int64_t{col} * stride + row]; }
};

}  // namespace

KANTOR_DOUBLE int cublasGemmEx(Handle handle, int op_a, int op_b, int m, int n, int k, const void* alpha, const void* a,
                               int a_type, int lda, const void* b, int b_type, int ldb, const void* beta, void* c, int c_type,
                               int ldc, int compute_type, int algorithm) {
  if (fails("cublasGemmEx")) return kNotSupported;
  if (!handle->stream || !handle->workspace) return kNotInitialized;  // else it would allocate one
  if (a_type != kReal32 || b_type != kReal32 || c_type != kReal32 || algorithm != kGemmDefault) return kNotSupported;
  if (compute_type != kCompute32Pedantic && compute_type != kCompute32FastTf32 && compute_type != kCompute32FastBf16)
    return kNotSupported;
  if (*static_cast<const float*>(alpha) != 1 || *static_cast<const float*>(beta) != 0) return kNotSupported;
  const Matrix left = {static_cast<const float*>(a), op_a ? k : m, op_a ? m : k, lda};
  const Matrix right = {static_cast<const float*>(b), op_b ? n : k, op_b ? k : n, ldb};
  if (m < 1 || n < 1 || k < 1 || lda < left.rows || ldb < right.rows || ldc < m) return kInvalidValue;
  const Matrix out = {static_cast<const float*>(c), m, n, ldc};
  auto multiply = [=, workspace = handle->workspace, bytes = handle->bytes, touch = work_of(handle->stream).touch] {
    touch(left.data, left.bytes(), false, "cublasGemmEx: A");
    touch(right.data, right.bytes(), false, "cublasGemmEx: B");
    touch(workspace, bytes, true, "cublasGemmEx: the workspace");
    touch(out.data, out.bytes(), true, "cublasGemmEx: C");
    const Rounding rounding = rounding_of(compute_type);
    for (int col = 0; col < n; ++col)
      for (int row = 0; row < m; ++row) {
        double sum = 0;
        for (int i = 0; i < k; ++i)
          sum += double{rounded(op_a ? left.at(i, row) : left.at(row, i), rounding)} *
                 double{rounded(op_b ? right.at(col, i) : right.at(i, col), rounding)};
        static_cast<float*>(c)[int64_t{col} * ldc + row] = static_cast<float>(sum);
      }
  };
  kantor::emulator::HostWork& stream = work_of(handle->stream);
  stream.put(&stream, multiply);
  return kSuccess;
}
KANTOR_SAME_TYPE(cublas, cublasGemmEx);
