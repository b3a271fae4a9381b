#include "runtime/cuda/emulator/devices.h"

#include <cstdio>
#include <cstdlib>
#include <map>

#include "runtime/cuda/emulator/machine.h"
#include "runtime/cuda/emulator/memory.h"

namespace kantor::emulator {

namespace {
thread_local int current = 0;
bool lost[kDevices];
std::map<const void*, size_t> dynamic_limits;  // of the kernels that asked for more
constexpr size_t kWithoutAsking = 48 << 10;    // of dynamic shared memory
int64_t launches = 0;
}  // namespace

struct Pool {
  int device;
};

int current_device() { return current; }
bool is_lost(int device) { return lost[device]; }

size_t dynamic_limit(const void* kernel) {
  auto found = dynamic_limits.find(kernel);
  return found == dynamic_limits.end() ? kWithoutAsking : found->second;
}

void count_launch(int device) {
  if (++launches > options().lost_after) lost[device] = true;
}

void restore_devices() {
  for (bool& each : lost) each = false;
  launches = 0;
}

}  // namespace kantor::emulator

using namespace kantor::emulator;

cudaError_t cudaDriverGetVersion(int* version) {
  *version = 13000;
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int* version) { return cudaDriverGetVersion(version); }

cudaError_t cudaGetDeviceCount(int* count) {
  *count = kDevices;
  return cudaSuccess;
}

cudaError_t cudaSetDevice(int device) {
  if (device < 0 || device >= kDevices) return cudaErrorInvalidDevice;
  current = device;
  return lost[device] ? cudaErrorLaunchFailure : cudaSuccess;
}

cudaError_t cudaGetDevice(int* device) {
  *device = current;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  if (device < 0 || device >= kDevices) return cudaErrorInvalidDevice;
  std::snprintf(properties->name, sizeof properties->name, "emulated device %d", device);
  properties->major = 9;
  properties->minor = 0;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  if (device < 0 || device >= kDevices) return cudaErrorInvalidDevice;
  switch (attribute) {
    case cudaDevAttrMultiProcessorCount: *value = 4; return cudaSuccess;  // few: a grid that fills it is quick to emulate
    case cudaDevAttrMaxSharedMemoryPerBlockOptin: *value = static_cast<int>(kSharedLimit); return cudaSuccess;
    case cudaDevAttrMemoryPoolsSupported: *value = 1; return cudaSuccess;
  }
  return cudaErrorInvalidValue;
}

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void* kernel) {
  *attributes = {0, kMaxThreads, 90, static_cast<int>(dynamic_limit(kernel))};
  return cudaSuccess;
}

cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute, int value) {
  if (value > static_cast<int>(kSharedLimit)) return cudaErrorInvalidValue;
  dynamic_limits[kernel] = static_cast<size_t>(value);
  return cudaSuccess;
}

cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  *total = options().memory_bytes;
  *free = free_bytes();
  return cudaSuccess;
}

cudaError_t cudaMallocHost(void** memory, size_t bytes) {
  *memory = std::malloc(bytes);
  return *memory ? cudaSuccess : cudaErrorMemoryAllocation;
}

cudaError_t cudaFreeHost(void* memory) {
  std::free(memory);
  return cudaSuccess;
}

cudaError_t cudaMemPoolCreate(cudaMemPool_t* pool, const cudaMemPoolProps* properties) {
  *pool = new Pool{properties->location.id};
  return cudaSuccess;
}

cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t, cudaMemPoolAttr, void*) { return cudaSuccess; }

cudaError_t cudaMemPoolDestroy(cudaMemPool_t pool) {
  delete pool;
  return cudaSuccess;
}

cudaError_t cudaMallocFromPoolAsync(void** memory, size_t bytes, cudaMemPool_t pool, cudaStream_t stream) {
  if (!pool || pool->device != current) fail("cudaMallocFromPoolAsync: the pool is not the thread's device's");
  return cudaMallocAsync(memory, bytes, stream);
}
