// Makes kt_device_open know "cuda-emulated" and "cuda-emulated:1", in the programs and libraries that link this: those of
// tests alone. They are also what "cuda:0", "cuda:1" and "auto" mean there. All are reached as a loaded library's are.
//
// The environment variables KANTOR_EMULATED_MEMORY, bytes, and KANTOR_EMULATED_LAUNCHES, after which the device gives up,
// are for tests from Java.
#include <cstdlib>

#include "runtime/backend_library.h"
#include "runtime/cuda/emulator/emulator.h"

extern "C" const kantor::BackendLibrary* kantor_backend_library();

namespace kantor::test {

namespace {

// Where a test gives a CPU two threads, the emulated device runs its blocks and threads in the reverse order.
std::unique_ptr<Backend> open_emulated(int index, int threads, EngineChoice engine) {
  emulator::options().order = threads == 2 ? emulator::Order::reverse : emulator::Order::forward;
  return open_backend(*kantor_backend_library(), index, engine);
}

const bool added = [] {
  if (const char* n = std::getenv("KANTOR_EMULATED_MEMORY")) emulator::options().memory_bytes = std::strtoull(n, nullptr, 10);
  if (const char* n = std::getenv("KANTOR_EMULATED_LAUNCHES")) emulator::options().lost_after = std::strtoll(n, nullptr, 10);
  for (const char* name : {"cuda-emulated", "cuda:0"})
    add_device(name, [](int threads, EngineChoice engine) { return open_emulated(0, threads, engine); });
  for (const char* name : {"cuda-emulated:1", "cuda:1"})
    add_device(name, [](int threads, EngineChoice engine) { return open_emulated(1, threads, engine); });
  return true;
}();

}  // namespace

}  // namespace kantor::test
