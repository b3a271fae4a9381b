// Makes kt_device_open know "cuda-emulated", in the programs and libraries that link this: those of tests alone.
#include "runtime/cuda/cuda_backend.h"

namespace kantor::test {

namespace {

// Where a test gives a CPU two threads, the emulated device runs its blocks and threads in the reverse order.
const bool added = [] {
  add_device("cuda-emulated", [](int threads) -> std::unique_ptr<Backend> {
    emulator::options().order = threads == 2 ? emulator::Order::reverse : emulator::Order::forward;
    return std::make_unique<cuda::CudaBackend>(DeviceFacts{"cuda-emulated", "none", 1, "emulated"});
  });
  return true;
}();

}  // namespace

}  // namespace kantor::test
