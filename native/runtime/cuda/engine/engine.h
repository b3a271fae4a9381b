// cuBLAS and cuDNN in place of Kantor's kernels for products of matrices and convolutions: --set engine=cudnn.
//
// The executor asks plan() for each instruction before it captures anything; what the libraries do not do as the op's
// contract says stays with Kantor's kernels. That is: matrix products in every precision, and convolutions in fp32 and tf32
// (cuDNN rounds float32 factors to half, but not to bfloat16), by algorithms that give the same bits each time. Epilogues and
// prologues are kernels of ours after and before the call.
//
// No guard (recorder.h) holds a library's kernels. So they write to scratch and the arena alone, and state is written by
// kernels of ours.
#pragma once
#include <functional>

#include "runtime/cuda/engine/libraries.h"
#include "runtime/cuda/recorder.h"

namespace kantor::cuda {

// Puts an instruction's kernels on the device, as often as it is called: like enqueue_<op> in recorder.h.
using EngineStep = std::function<void(Recorder&)>;

// C = op(A) * op(B), row-major: A [m, k], or [k, m] transposed, B [k, n] likewise, C [m, n].
struct RowMajorProduct {
  const float *a, *b;
  int m, n, k;
  bool transpose_a, transpose_b;
  Precision precision;
};

// The libraries' handles for one executor, on the thread's device.
class Engine {
 public:
  explicit Engine(const Libraries& libraries) : libraries_(libraries) {}
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // How the libraries do a node's work; null where Kantor's kernels are to. The node and this outlive the step.
  // may_store: whether a library may write the node's outputs itself, since they lie in the arena.
  EngineStep plan(const Node& node, bool may_store);

  // For the ops' plans.
#if defined(KANTOR_EMULATED)
  static constexpr int64_t kGemmWorkspace = 4 << 10;  // the emulated device pays for each byte
#else
  static constexpr int64_t kGemmWorkspace = 32 << 20;  // what NVIDIA recommends for Hopper, more than for others
#endif
  void multiply(const RowMajorProduct& product, float* c, std::byte* workspace, cudaStream_t stream);
  cudnn::Handle cudnn();
  const cudnn::Functions& cudnn_functions() const { return libraries_.cudnn; }
  // Fails with the library's name of the error, unless it is none.
  void expect_cudnn(int status, const char* function) const;

 private:
  void expect_cublas(int status, const char* function) const;

  const Libraries& libraries_;
  cublas::Handle cublas_ = nullptr;  // both: made when first needed, which is not during a capture
  cudnn::Handle cudnn_ = nullptr;
};

// ops/<op>/<op>_engine.cpp.
EngineStep plan_gemm(const Node& node, Engine& engine, bool may_store);
EngineStep plan_conv2d(const Node& node, Engine& engine, bool may_store);
EngineStep plan_conv2d_data_grad(const Node& node, Engine& engine, bool may_store);
EngineStep plan_conv2d_weight_grad(const Node& node, Engine& engine, bool may_store);

}  // namespace kantor::cuda
