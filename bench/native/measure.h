// What the benchmarks of single ops share: the clock, the peak of multiply-adds, operands. For x86.
#pragma once
#include <immintrin.h>

#include <chrono>

#include "runtime/memory.h"
#include "runtime/op.h"

namespace kantor::bench {

inline double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

constexpr int kChains = 12, kRounds = 20000;

// Independent chains of multiply-adds that stay in the registers: seconds for kRounds of kChains.
#define KANTOR_CHAINS(Vec, broadcast, multiply_add)                           \
  Vec sum[kChains] = {}, factor = broadcast(0.999f), term = broadcast(1e-3f); \
  double begin = seconds();                                                   \
  for (int round = 0; round < kRounds; ++round) {                             \
    _Pragma("GCC unroll 12") for (int i = 0; i < kChains; ++i) {              \
      sum[i] = multiply_add(sum[i], factor, term);                            \
      asm volatile("" : "+v"(sum[i]));                                        \
    }                                                                         \
  }                                                                           \
  return seconds() - begin

__attribute__((target("avx512f"))) inline double chains_avx512() {
  KANTOR_CHAINS(__m512, _mm512_set1_ps, _mm512_fmadd_ps);
}
__attribute__((target("avx2,fma"))) inline double chains_avx2() {
  KANTOR_CHAINS(__m256, _mm256_set1_ps, _mm256_fmadd_ps);
}
inline double chains_portable() {
  auto multiply_add = [](__m128 a, __m128 b, __m128 c) { return a * b + c; };
  KANTOR_CHAINS(__m128, _mm_set1_ps, multiply_add);
}

// Of one thread, in FLOP/s.
inline double multiply_add_rate(Isa isa) {
  double time = isa == Isa::avx512 ? chains_avx512() : isa == Isa::avx2 ? chains_avx2() : chains_portable();
  return 2.0 * (isa == Isa::avx512 ? 16 : isa == Isa::avx2 ? 8 : 4) * kChains * kRounds / time;
}

inline Block random_block(int64_t count) {
  Block block(static_cast<uint64_t>(count) * sizeof(float), "a matrix");
  uint32_t state = 1;
  for (int64_t i = 0; i < count; ++i) {
    state = state * 1664525 + 1013904223;
    reinterpret_cast<float*>(block.data())[i] = static_cast<float>(state >> 8) * 0x1p-23f - 1;
  }
  return block;
}

}  // namespace kantor::bench
