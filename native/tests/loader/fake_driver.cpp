// Answers like libcuda.so.1 as far as Kantor asks before anything runs. FAKE_CUDA_VERSION and FAKE_CUDA_GPUS say what; with
// FAKE_CUDA_ERROR it does not start.
#include <cstdio>
#include <cstdlib>

namespace {

int number(const char* name, int otherwise) {
  const char* text = std::getenv(name);
  return text ? std::atoi(text) : otherwise;
}

int start() {
  if (int error = number("FAKE_CUDA_ERROR", 0)) return error;
  return number("FAKE_CUDA_GPUS", 1) > 0 ? 0 : 100;  // CUDA_ERROR_NO_DEVICE
}

}  // namespace

#define DRIVER extern "C" __attribute__((visibility("default"))) int

DRIVER cuInit(unsigned) { return start(); }
DRIVER cuDriverGetVersion(int* version) {
  *version = number("FAKE_CUDA_VERSION", 13000);
  return 0;
}
DRIVER cuDeviceGetCount(int* count) {
  *count = number("FAKE_CUDA_GPUS", 1);
  return start();
}
DRIVER cuDeviceGet(int* device, int index) {
  *device = index;
  return 0;
}
DRIVER cuDeviceGetName(char* name, int capacity, int device) {
  std::snprintf(name, static_cast<size_t>(capacity), "Imaginary %d", device);
  return 0;
}
DRIVER cuGetErrorName(int, const char** name) {
  *name = "CUDA_ERROR_OF_TESTS";
  return 0;
}
