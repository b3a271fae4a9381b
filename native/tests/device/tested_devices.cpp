// The ops' case tables and whole programs on the emulated device, which kt_device_open knows in this program of tests alone.
#include "runtime/cuda/cuda_backend.h"
#include "support.h"

namespace kantor::test {

namespace {

const char* const kEmulated = "cuda-emulated";

// Where a test gives a CPU two threads, the emulated device runs its blocks and threads in the reverse order.
const bool added = [] {
  add_device(kEmulated, [](int threads) -> std::unique_ptr<Backend> {
    emulator::options().order = threads == 2 ? emulator::Order::reverse : emulator::Order::forward;
    return std::make_unique<cuda::CudaBackend>(DeviceFacts{kEmulated, "none", 1, "emulated"});
  });
  return true;
}();

}  // namespace

std::vector<std::string> tested_devices() { return {kEmulated}; }

bool affordable(int64_t multiplications) { return multiplications < 1 << 24; }
bool all_combinations() { return false; }

}  // namespace kantor::test
