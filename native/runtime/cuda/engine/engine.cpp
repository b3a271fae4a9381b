#include "runtime/cuda/engine/engine.h"

namespace kantor::cuda {

namespace {

constexpr const char* kRemedy = "; --set engine=kantor does without the library";

int compute_type(Precision precision) {
  switch (precision) {
    case Precision::fp32: return cublas::kCompute32Pedantic;
    case Precision::tf32: return cublas::kCompute32FastTf32;
    case Precision::bf16: return cublas::kCompute32FastBf16;
  }
  return cublas::kCompute32Pedantic;
}

}  // namespace

Engine::~Engine() {
  if (cublas_) libraries_.cublas.cublasDestroy_v2(cublas_);
  if (cudnn_) libraries_.cudnn.cudnnDestroy(cudnn_);
}

EngineStep Engine::plan(const Node& node, bool may_store) {
  static const struct {
    const char* op;
    EngineStep (*plan)(const Node&, Engine&, bool);
  } table[] = {{"gemm", plan_gemm},
               {"conv2d", plan_conv2d},
               {"conv2d_data_grad", plan_conv2d_data_grad},
               {"conv2d_weight_grad", plan_conv2d_weight_grad}};
  for (const auto& entry : table)
    if (node.op == entry.op) return entry.plan(node, *this, may_store);
  return nullptr;
}

// The library's matrices lie by columns: a row-major C is C^T = op(B)^T * op(A)^T there, and a row-major factor is its own
// transpose.
void Engine::multiply(const RowMajorProduct& p, float* c, std::byte* workspace, cudaStream_t stream) {
  const cublas::Functions& f = libraries_.cublas;
  if (!cublas_) expect_cublas(f.cublasCreate_v2(&cublas_), "cublasCreate");
  expect_cublas(f.cublasSetStream_v2(cublas_, stream), "cublasSetStream");
  expect_cublas(f.cublasSetWorkspace_v2(cublas_, workspace, static_cast<size_t>(kGemmWorkspace)), "cublasSetWorkspace");
  const float one = 1, zero = 0;
  expect_cublas(f.cublasGemmEx(cublas_, p.transpose_b ? cublas::kTransposed : cublas::kNone,
                               p.transpose_a ? cublas::kTransposed : cublas::kNone, p.n, p.m, p.k, &one, p.b,
                               cublas::kReal32, p.transpose_b ? p.k : p.n, p.a, cublas::kReal32, p.transpose_a ? p.m : p.k,
                               &zero, c, cublas::kReal32, p.n, compute_type(p.precision), cublas::kGemmDefault),
                "cublasGemmEx");
}

cudnn::Handle Engine::cudnn() {
  if (!cudnn_) expect_cudnn(libraries_.cudnn.cudnnCreate(&cudnn_), "cudnnCreate");
  return cudnn_;
}

void Engine::expect_cublas(int status, const char* function) const {
  if (status == cublas::kSuccess) return;
  fail(status == cublas::kAllocFailed ? KT_OUT_OF_MEMORY : KT_INTERNAL, "cuBLAS %s: %s: %s%s",
       libraries_.cublas_version.c_str(), function, libraries_.cublas.cublasGetStatusName(status), kRemedy);
}

void Engine::expect_cudnn(int status, const char* function) const {
  if (status == cudnn::kSuccess) return;
  fail(status == cudnn::kDeviceAllocationFailed ? KT_OUT_OF_MEMORY : KT_INTERNAL, "cuDNN %s: %s: %s%s",
       libraries_.cudnn_version.c_str(), function, libraries_.cudnn.cudnnGetErrorString(status), kRemedy);
}

}  // namespace kantor::cuda
