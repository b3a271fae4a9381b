#include "runtime/cuda/count_iteration_body.h"

namespace kantor::cuda {

void count_iteration(const int64_t* fault, Outcome* outcome, Recorder& recorder) {
  recorder.launch<CountIterationBody>(1, {fault, outcome});
}

bool has_kernels() {
  cudaFuncAttributes attributes;
  const void* one = reinterpret_cast<const void*>(body_kernel<CountIterationBody>);
  bool found = cudaFuncGetAttributes(&attributes, one) == cudaSuccess;
  if (!found) cudaGetLastError();
  return found;
}

}  // namespace kantor::cuda
