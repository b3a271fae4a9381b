#include "runtime/cuda/recorder.h"

namespace kantor::cuda {

#define KANTOR_CUDA_OP(name) void enqueue_##name(const Node&, Recorder&);
#include "ops/cuda_ops.def"
#undef KANTOR_CUDA_OP

EnqueueFunction find_enqueue(std::string_view op) {
  static const struct {
    const char* name;
    EnqueueFunction enqueue;
  } table[] = {
#define KANTOR_CUDA_OP(name) {#name, enqueue_##name},
#include "ops/cuda_ops.def"
#undef KANTOR_CUDA_OP
  };
  for (const auto& entry : table)
    if (op == entry.name) return entry.enqueue;
  return nullptr;
}

}  // namespace kantor::cuda
