// Philox (ops/philox.h) for as many blocks at once as a vector register holds, and the vectors that its users compute
// in. Each word sits in the low half of a 64-bit lane: the multiplication ignores the high half, so neither product
// needs to be cut.
#pragma once
#include <cstddef>
#include <cstring>

#include "ops/philox.h"
#include "ops/simd.h"

namespace kantor::KANTOR_ISA {

constexpr int kBlocks = kWidth / 2;  // in flight

typedef uint64_t Wide __attribute__((vector_size(4 * kWidth)));

// The full products of the low halves. (The full mask stands in for the plain intrinsic, whose undefined merge operand
// makes GCC 12 warn.)
inline Wide multiply_low(Wide a, Wide b) {
#if defined(__AVX512F__)
  return (Wide)_mm512_maskz_mul_epu32(0xFF, (__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
  return (Wide)_mm256_mul_epu32((__m256i)a, (__m256i)b);
#elif defined(__SSE2__)
  return (Wide)_mm_mul_epu32((__m128i)a, (__m128i)b);
#else
  return (a & 0xFFFFFFFF) * (b & 0xFFFFFFFF);
#endif
}

// The words of kBlocks blocks, each in the low half of its lane; the high halves hold garbage.
struct PhiloxLanes {
  Wide x, y, z, w;
};

inline PhiloxLanes philox_lanes(Wide block, uint32_t stream, uint64_t step, uint64_t seed) {
  const Wide zero = {};
  Wide c0 = block, c1 = zero + stream, c2 = zero + (step & 0xFFFFFFFF), c3 = zero + (step >> 32);
  uint32_t k0 = static_cast<uint32_t>(seed), k1 = static_cast<uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    Wide p0 = multiply_low(c0, zero + 0xD2511F53u), p1 = multiply_low(c2, zero + 0xCD9E8D57u);
    c0 = (p1 >> 32) ^ c1 ^ (zero + k0);
    c2 = (p0 >> 32) ^ c3 ^ (zero + k1);
    c1 = p1;
    c3 = p0;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return {c0, c1, c2, c3};
}

// Words x and z of each block side by side (x0 z0 x1 z1 ...), and y and w: the first and second of each pair in the
// output.
struct WordPairs {
  UVec first, second;
};

inline WordPairs pair_words(const PhiloxLanes& p) {
  return {(UVec)((p.x & 0xFFFFFFFF) | (p.z << 32)), (UVec)((p.y & 0xFFFFFFFF) | (p.w << 32))};
}

// Writes first[0] second[0] first[1] second[1] ...
inline void store_interleaved(Vec first, Vec second, float* out) {
#if defined(__AVX512F__)
  Vec low = __builtin_shufflevector(first, second, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  Vec high = __builtin_shufflevector(first, second, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
#elif defined(__AVX2__)
  Vec low = __builtin_shufflevector(first, second, 0, 8, 1, 9, 2, 10, 3, 11);
  Vec high = __builtin_shufflevector(first, second, 4, 12, 5, 13, 6, 14, 7, 15);
#else
  Vec low = __builtin_shufflevector(first, second, 0, 4, 1, 5);
  Vec high = __builtin_shufflevector(first, second, 2, 6, 3, 7);
#endif
  memcpy(out, &low, sizeof low);
  memcpy(out + kWidth, &high, sizeof high);
}

// Correctly rounded in every build; without an fma instruction this is the library's, slow but the same bits.
inline Vec fused(Vec a, Vec b, Vec c) {
#if defined(__AVX512F__)
  return (Vec)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__AVX2__)
  return (Vec)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#else
  Vec r = {};
  for (int i = 0; i < kWidth; ++i) r[i] = __builtin_fmaf(a[i], b[i], c[i]);
  return r;
#endif
}

// Fills out[begin .. end) with what transform(WordPairs, first, second) makes of the words; begin is a multiple of 4.
template <class Transform>
inline void fill_random(float* out, int64_t begin, int64_t end, uint32_t stream, uint64_t step, uint64_t seed,
                               Transform transform) {
  Wide lane = {};
  for (int i = 0; i < kBlocks; ++i) lane[i] = static_cast<uint64_t>(i);
  constexpr int64_t kStride = 4 * kBlocks;
  for (int64_t i = begin; i < end; i += kStride) {
    WordPairs words = pair_words(philox_lanes(lane + static_cast<uint64_t>(i / 4), stream, step, seed));
    Vec first, second;
    transform(words, first, second);
    if (i + kStride <= end) {
      store_interleaved(first, second, out + i);
    } else {
      float tail[kStride];
      store_interleaved(first, second, tail);
      memcpy(out + i, tail, static_cast<size_t>(end - i) * sizeof(float));
    }
  }
}

}  // namespace kantor::KANTOR_ISA
