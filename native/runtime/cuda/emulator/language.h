// CUDA C++ for g++: the words that kernels use, with CUDA's meaning. Anything that is not here does not compile; add
// it with a test when a kernel needs it. Included by runtime/cuda/device.h alone.
//
// Collectives of a warp take the full mask only, and every lane of the warp must come to the same one.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>

#include "runtime/cuda/emulator/emulator.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __grid_constant__

struct uint3 {
  unsigned x, y, z;
};
struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};
struct alignas(16) float4 {
  float x, y, z, w;
};
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }

// Read-only to kernels, and constant in the eyes of a thread: the emulator changes them between two threads' turns.
// (g++ does not instrument reads of a const object, so they cost nothing.)
extern const uint3 threadIdx asm("kantor_emulator_thread_index");
extern const uint3 blockIdx asm("kantor_emulator_block_index");
extern const uint3 blockDim asm("kantor_emulator_block_size");
extern const uint3 gridDim asm("kantor_emulator_grid_size");
inline constexpr int warpSize = 32;

namespace kantor::emulator {

// The caller's place, as default arguments of a collective.
#define KANTOR_SITE const char *file = __builtin_FILE(), int line = __builtin_LINE()
#define KANTOR_HERE \
  ::kantor::emulator::Site { file, line }

enum class Vote { any, all, ballot };

void block_barrier(Site site);
int block_count(bool predicate, Site site);
void grid_barrier(Site site);
void warp_barrier(uint32_t mask, Site site);
// value (4 or 8 bytes) becomes that of lane source.
void warp_shuffle(uint32_t mask, void* value, size_t bytes, int source, Site site);
uint32_t warp_vote(uint32_t mask, bool predicate, Vote vote, Site site);
int lane();
void fence();
void yield();
// Static shared memory: one object for each block and key.
void* static_shared(const void* key, size_t bytes, size_t alignment, Site site);
void* dynamic_shared();
// Checks an access of 16 bytes as the one that it is on the device.
void vector_access(const void* address, bool write);

template <class T>
T shuffled(uint32_t mask, T value, int source, Site site) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8);
  warp_shuffle(mask, &value, sizeof value, source, site);
  return value;
}

}  // namespace kantor::emulator

inline void __syncthreads(KANTOR_SITE) { kantor::emulator::block_barrier(KANTOR_HERE); }
inline int __syncthreads_count(int p, KANTOR_SITE) { return kantor::emulator::block_count(p != 0, KANTOR_HERE); }
inline int __syncthreads_or(int p, KANTOR_SITE) { return kantor::emulator::block_count(p != 0, KANTOR_HERE) > 0; }
inline void __syncwarp(unsigned mask = ~0u, KANTOR_SITE) { kantor::emulator::warp_barrier(mask, KANTOR_HERE); }
inline void __threadfence() { kantor::emulator::fence(); }
inline void __nanosleep(unsigned) { kantor::emulator::yield(); }

template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32, KANTOR_SITE) {
  int first = kantor::emulator::lane() & ~(width - 1);
  return kantor::emulator::shuffled(mask, value, first | (source & (width - 1)), KANTOR_HERE);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int flip, int width = 32, KANTOR_SITE) {
  int lane = kantor::emulator::lane(), source = lane ^ flip;
  bool inside = (source & ~(width - 1)) <= (lane & ~(width - 1));
  return kantor::emulator::shuffled(mask, value, inside ? source : lane, KANTOR_HERE);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32, KANTOR_SITE) {
  int lane = kantor::emulator::lane(), d = static_cast<int>(delta);
  return kantor::emulator::shuffled(mask, value, (lane & (width - 1)) + d < width ? lane + d : lane, KANTOR_HERE);
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32, KANTOR_SITE) {
  int lane = kantor::emulator::lane(), d = static_cast<int>(delta);
  return kantor::emulator::shuffled(mask, value, (lane & (width - 1)) >= d ? lane - d : lane, KANTOR_HERE);
}
inline unsigned __ballot_sync(unsigned mask, int p, KANTOR_SITE) {
  return kantor::emulator::warp_vote(mask, p != 0, kantor::emulator::Vote::ballot, KANTOR_HERE);
}
inline int __any_sync(unsigned mask, int p, KANTOR_SITE) {
  return kantor::emulator::warp_vote(mask, p != 0, kantor::emulator::Vote::any, KANTOR_HERE) != 0;
}
inline int __all_sync(unsigned mask, int p, KANTOR_SITE) {
  return kantor::emulator::warp_vote(mask, p != 0, kantor::emulator::Vote::all, KANTOR_HERE) != 0;
}

float atomicAdd(float* address, float value);
int atomicAdd(int* address, int value);
unsigned atomicAdd(unsigned* address, unsigned value);
unsigned long long atomicAdd(unsigned long long* address, unsigned long long value);
int atomicMax(int* address, int value);
unsigned atomicMax(unsigned* address, unsigned value);
int atomicMin(int* address, int value);
unsigned atomicMin(unsigned* address, unsigned value);
unsigned atomicExch(unsigned* address, unsigned value);
unsigned atomicCAS(unsigned* address, unsigned expected, unsigned value);

inline int min(int a, int b) { return a < b ? a : b; }
inline int max(int a, int b) { return a > b ? a : b; }
inline int __popc(unsigned value) { return __builtin_popcount(value); }
inline int __float_as_int(float value) { return __builtin_bit_cast(int, value); }
inline unsigned __float_as_uint(float value) { return __builtin_bit_cast(unsigned, value); }
inline float __int_as_float(int value) { return __builtin_bit_cast(float, value); }
inline float __uint_as_float(unsigned value) { return __builtin_bit_cast(float, value); }

namespace cooperative_groups {
struct grid_group {
  void sync(KANTOR_SITE) const { kantor::emulator::grid_barrier(KANTOR_HERE); }
};
inline grid_group this_grid() { return {}; }
}  // namespace cooperative_groups
