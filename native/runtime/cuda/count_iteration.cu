#include "runtime/cuda/cuda_executor.h"
#include "runtime/cuda/device_code.h"

namespace kantor::cuda {

namespace {

__global__ void count_iteration_kernel(const int64_t* fault, Outcome* outcome) {
  if (threadIdx.x != 0 || outcome->stopped) return;
  if (held(fault))
    outcome->stopped = 1;
  else
    ++outcome->completed;
}

}  // namespace

void count_iteration(const int64_t* fault, Outcome* outcome, cudaStream_t stream) {
  launch(count_iteration_kernel, {1, kWarp}, stream, fault, outcome);
}

bool has_kernels() {
  cudaFuncAttributes attributes;
  bool found = cudaFuncGetAttributes(&attributes, reinterpret_cast<const void*>(count_iteration_kernel)) == cudaSuccess;
  if (!found) cudaGetLastError();
  return found;
}

}  // namespace kantor::cuda
