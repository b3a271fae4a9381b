// What the doubles of cuBLAS and cuDNN share: libraries of those names that compute on the emulated device what the real
// ones do on a GPU, check what they are given, and round as they would.
//
// Environment variables make them fail: KANTOR_DOUBLE_CUBLAS and KANTOR_DOUBLE_CUDNN are other versions than they have,
// KANTOR_DOUBLE_FAILS is the function that does not succeed.
#pragma once
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <type_traits>
#include <vector>

#include "runtime/cuda/emulator/host_work.h"
#include "runtime/cuda/engine/vendor_api.h"

#define KANTOR_DOUBLE extern "C" __attribute__((visibility("default")))
// The double's function has the type that the engine calls it by.
#define KANTOR_SAME_TYPE(library, name) \
  static_assert(std::is_same_v<decltype(&name), decltype(kantor::cuda::library::Functions::name)>)

namespace kantor::test {

inline int number(const char* variable, int otherwise) {
  const char* text = std::getenv(variable);
  return text ? std::atoi(text) : otherwise;
}

inline bool fails(const char* function) {
  const char* name = std::getenv("KANTOR_DOUBLE_FAILS");
  return name && std::string(name) == function;
}

inline emulator::HostWork& work_of(cudaStream_t stream) { return *reinterpret_cast<emulator::HostWork*>(stream); }

// How a library rounds a factor of a product, to the nearest with so many bits less.
enum class Rounding { none, tf32, bf16 };
inline float rounded(float x, Rounding rounding) {
  const uint32_t dropped = rounding == Rounding::none ? 0 : rounding == Rounding::tf32 ? 13 : 16;
  if (dropped == 0 || !std::isfinite(x)) return x;
  const uint32_t bits = std::bit_cast<uint32_t>(x);
  return std::bit_cast<float>((bits + (1u << (dropped - 1))) >> dropped << dropped);
}

}  // namespace kantor::test
