// What a file with kernels includes. With nvcc the names are CUDA's own; with g++ they are those of the emulated device
// (emulator/README.md), so that one source serves both.
//
//   __global__ void scale(float* x, int n) { KANTOR_SHARED(float[32], tile); ... }
//   launch(scale, {.blocks = 4, .threads = 128}, stream, x, n);
//
// The rules that keep a kernel the same on both:
//   - launches through launch(), never <<<>>>; PTX only in ptx.h; a barrier of the whole grid needs grid.h
//   - shared memory through KANTOR_SHARED and KANTOR_DYNAMIC_SHARED
//   - blocks are whole warps, and collectives take the full mask and all lanes
//   - no thread leaves before a barrier of its block or warp; a thread that spins calls __nanosleep
//   - a result handed to another block of the same launch goes through __threadfence, an atomic, and __threadfence
#pragma once
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <type_traits>

// KANTOR_CUDA_HOST says that g++ compiles host code for CUDA's own runtime.
#if defined(__CUDACC__) || defined(KANTOR_CUDA_HOST)

#include <cuda_runtime.h>

#define KANTOR_NOINLINE __noinline__
#define KANTOR_SHARED(type, name) __shared__ std::type_identity_t<type> name
#define KANTOR_DYNAMIC_SHARED(type, name)                    \
  extern __shared__ __align__(1024) unsigned char kantor_dynamic_shared[]; \
  type* name = reinterpret_cast<type*>(kantor_dynamic_shared)

#else

#define KANTOR_EMULATED
#define KANTOR_NOINLINE __attribute__((noinline))
#include "runtime/cuda/emulator/language.h"
#include "runtime/cuda/emulator/runtime_api.h"

#define KANTOR_SHARED(type, name)                                                                                  \
  static const char name##_key = 0;                                                                                \
  std::type_identity_t<type>& name = *static_cast<std::type_identity_t<type>*>(::kantor::emulator::static_shared( \
      &name##_key, sizeof(type), alignof(type), ::kantor::emulator::Site{__FILE__, __LINE__}))
#define KANTOR_DYNAMIC_SHARED(type, name) type* name = static_cast<type*>(::kantor::emulator::dynamic_shared())

#endif

#include "runtime/error.h"

namespace kantor {

// Whether an error stays: the device's context is destroyed, with all that this process has on it.
inline bool is_lost(cudaError_t error) {
  switch (error) {
    case cudaErrorECCUncorrectable:
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchTimeout:
    case cudaErrorAssert:
    case cudaErrorHardwareStackError:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorLaunchFailure:
    case cudaErrorMpsClientTerminated:
    case cudaErrorExternalDevice:
    case cudaErrorUnknown: return true;
#if CUDART_VERSION >= 13000
    case cudaErrorContained:
    case cudaErrorTensorMemoryLeak: return true;
#endif
    default: return false;
  }
}

// Fails with the text of the runtime's error and what was being done.
inline void expect_success(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  cudaGetLastError();  // forgets it, where it can be forgotten
  if (is_lost(error))
    fail(KT_DEVICE_LOST, "%s: the device gave up (%s): what this process had on it is lost, and it can use it no more", what,
         cudaGetErrorString(error));
  fail(error == cudaErrorMemoryAllocation ? KT_OUT_OF_MEMORY : KT_INTERNAL, "%s: %s", what, cudaGetErrorString(error));
}

struct LaunchShape {
  dim3 blocks, threads;
  size_t shared_bytes = 0;    // dynamic
  bool cooperative = false;   // all blocks are on the device at once, and may meet at cooperative_groups::this_grid().sync()
  // It may begin before the kernel in front of it has ended ("programmatic dependent launch"): its threads, all of them,
  // call wait_for_predecessors() (ptx.h) before they touch global memory. For kernels that wait_by_themselves().
  bool early = false;
};

// Whether the code that the thread's device runs of a kernel has the wait in it, and graphs can hold such launches.
inline bool waits_by_itself(const void* kernel) {
  constexpr int kArchitecture = 90, kDriver = 12030;  // of PTX; of the first CUDA with edges for it
  cudaFuncAttributes attributes;
  int driver = 0;
  expect_success(cudaFuncGetAttributes(&attributes, kernel), "loading a kernel");
  expect_success(cudaDriverGetVersion(&driver), "asking for the driver's version");
  return attributes.ptxVersion >= kArchitecture && driver >= kDriver;
}

// Brings a kernel onto the thread's device, which its first launch would do else, and that may be in a capture; fails where
// the device has no room for such a block. Launches with more than 32 KB of dynamic shared memory need it.
inline void load(const void* kernel, const LaunchShape& shape) {
  cudaFuncAttributes attributes;
  int device = 0, most = 0;
  expect_success(cudaFuncGetAttributes(&attributes, kernel), "loading a kernel");
  expect_success(cudaGetDevice(&device), "loading a kernel");
  expect_success(cudaDeviceGetAttribute(&most, cudaDevAttrMaxSharedMemoryPerBlockOptin, device), "loading a kernel");
  size_t shared = attributes.sharedSizeBytes + shape.shared_bytes;
  unsigned threads = shape.threads.x * shape.threads.y * shape.threads.z;
  if (shared > static_cast<size_t>(most) || threads > static_cast<unsigned>(attributes.maxThreadsPerBlock))
    fail(KT_UNSUPPORTED, "a block of %u threads with %zu bytes of shared memory is more than this device has: %d threads "
         "of this kernel, %d bytes; use --device cpu, or another GPU", threads, shared, attributes.maxThreadsPerBlock, most);
  if (shape.shared_bytes > static_cast<size_t>(attributes.maxDynamicSharedSizeBytes))
    expect_success(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                        static_cast<int>(shape.shared_bytes)),
                   "shared memory for a kernel");
}

// Puts a kernel into a stream.
template <class... Parameters, class... Arguments>
void launch(void (*kernel)(Parameters...), const LaunchShape& shape, cudaStream_t stream, Arguments&&... arguments) {
  static_assert((std::is_trivially_copyable_v<Parameters> && ...), "arguments are copied to the device byte by byte");
  static_assert((sizeof(Parameters) + ... + 0) <= 4096, "CUDA takes at most 4 KB of arguments");
#if !defined(KANTOR_EMULATED)
  cudaLaunchAttribute attributes[2] = {};
  attributes[0].id = cudaLaunchAttributeCooperative;
  attributes[0].val.cooperative = shape.cooperative;
  attributes[1].id = cudaLaunchAttributeProgrammaticStreamSerialization;
  attributes[1].val.programmaticStreamSerializationAllowed = 1;
  cudaLaunchConfig_t config = {};
  config.gridDim = shape.blocks;
  config.blockDim = shape.threads;
  config.dynamicSmemBytes = shape.shared_bytes;
  config.stream = stream;
  config.attrs = attributes;
  config.numAttrs = shape.early ? 2 : 1;
  expect_success(cudaLaunchKernelEx(&config, kernel, static_cast<Parameters>(arguments)...), "launching a kernel");
#else
  struct Bound {
    void (*kernel)(Parameters...);
    std::tuple<Parameters...> arguments;
  };
  emulator::Launch bound = {{shape.blocks.x, shape.blocks.y, shape.blocks.z},
                            {shape.threads.x, shape.threads.y, shape.threads.z},
                            shape.shared_bytes,
                            shape.cooperative,
                            shape.early,
                            reinterpret_cast<const void*>(kernel),
                            [](const void* bytes) {
                              const Bound& b = *static_cast<const Bound*>(bytes);
                              std::apply(b.kernel, b.arguments);
                            },
                            std::vector<std::byte>(sizeof(Bound))};
  new (bound.bound.data()) Bound{kernel, {static_cast<Parameters>(arguments)...}};
  emulator::enqueue(stream, std::move(bound));
#endif
}

// Sixteen bytes at once; the address is a multiple of 16.
__device__ inline float4 load4(const float* from) {
#if defined(KANTOR_EMULATED)
  emulator::vector_access(from, false);
#endif
  return *reinterpret_cast<const float4*>(from);
}
__device__ inline void store4(float* to, float4 value) {
#if defined(KANTOR_EMULATED)
  emulator::vector_access(to, true);
#endif
  *reinterpret_cast<float4*>(to) = value;
}

}  // namespace kantor
