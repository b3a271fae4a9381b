#include "runtime/cuda/count_iteration_body.h"

namespace kantor::cuda {

namespace {
const void* kernel() { return reinterpret_cast<const void*>(body_kernel<CountIterationBody>); }
}  // namespace

void count_iteration(const int64_t* fault, Outcome* outcome, Recorder& recorder) {
  recorder.launch<CountIterationBody>(1, {fault, outcome});
}

bool has_kernels() {
  cudaFuncAttributes attributes;
  bool found = cudaFuncGetAttributes(&attributes, kernel()) == cudaSuccess;
  if (!found) cudaGetLastError();
  return found;
}

bool kernels_wait() { return waits_by_itself(kernel()); }

}  // namespace kantor::cuda
