// Vectors of floats, as wide as the instruction set that the including source is compiled for, and the functions of
// the ops on them. For *_cpu.cpp files only: everything lives in the namespace of the instruction set.
//
// A function of one element gives the same bits wherever the element sits in a vector and whatever its neighbours
// hold. Tails are loaded with load_partial and run through the same code, so how work is cut up never shows in a
// result.
//
// Accuracy, in units in the last place of the result, over all floats (pointwise_test.cpp tests it):
//   exp 2, log 2, log1p 2, expm1 2, tanh 3, sigmoid 3, softplus 3
// NaN gives NaN, infinities their limits. A result below the smallest normal float may come out as zero.
#pragma once
#include <cstdint>
#include <cstring>
#include <limits>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace kantor::KANTOR_ISA {

#if defined(__AVX512F__)
constexpr int kWidth = 16;
#elif defined(__AVX2__)
constexpr int kWidth = 8;
#else
constexpr int kWidth = 4;
#endif

// Operators work lane by lane; a comparison gives an IVec of -1 (true) and 0, and `mask ? a : b` selects.
typedef float Vec __attribute__((vector_size(4 * kWidth)));
typedef int32_t IVec __attribute__((vector_size(4 * kWidth)));
typedef uint32_t UVec __attribute__((vector_size(4 * kWidth)));
typedef float UnalignedVec __attribute__((vector_size(4 * kWidth), aligned(4), may_alias));

inline Vec broadcast(float x) { return x - Vec{}; }  // x - 0 is x, even for -0
inline IVec broadcast(int32_t x) { return x + IVec{}; }
inline UVec broadcast(uint32_t x) { return x + UVec{}; }

inline Vec load(const float* p) { return *reinterpret_cast<const UnalignedVec*>(p); }
inline void store(float* p, Vec v) { *reinterpret_cast<UnalignedVec*>(p) = v; }

// The first n lanes (0 <= n <= kWidth); the other lanes load as zero, and memory past them is not touched.
inline Vec load_partial(const float* p, int64_t n) {
#if defined(__AVX512F__)
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << n) - 1), p);
#elif defined(__AVX2__)
  __m256i lanes = _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  return _mm256_maskload_ps(p, lanes);
#else
  Vec v{};
  std::memcpy(&v, p, 4 * n);
  return v;
#endif
}
inline void store_partial(float* p, Vec v, int64_t n) {
#if defined(__AVX512F__)
  _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << n) - 1), v);
#elif defined(__AVX2__)
  __m256i lanes = _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  _mm256_maskstore_ps(p, lanes, v);
#else
  std::memcpy(p, &v, 4 * n);
#endif
}

// a * b + c, rounded once where the instruction set can (portable x86 cannot: there the product is rounded too).
inline Vec fma(Vec a, Vec b, Vec c) {
#if defined(__AVX512F__)
  return _mm512_fmadd_ps(a, b, c);
#elif defined(__FMA__)
  return _mm256_fmadd_ps(a, b, c);
#elif defined(__aarch64__)
  return vfmaq_f32(c, a, b);
#else
  return a * b + c;
#endif
}
inline Vec fma(Vec a, Vec b, float c) { return fma(a, b, broadcast(c)); }
inline Vec fma(Vec a, float b, Vec c) { return fma(a, broadcast(b), c); }
inline Vec fma(Vec a, float b, float c) { return fma(a, broadcast(b), broadcast(c)); }

inline Vec sqrt(Vec a) {
#if defined(__AVX512F__)
  return _mm512_maskz_sqrt_ps(0xFFFF, a);  // GCC 12 warns of its own _mm512_sqrt_ps
#elif defined(__AVX2__)
  return _mm256_sqrt_ps(a);
#elif defined(__x86_64__)
  return _mm_sqrt_ps(a);
#elif defined(__aarch64__)
  return vsqrtq_f32(a);
#else
  for (int i = 0; i < kWidth; ++i) a[i] = __builtin_sqrtf(a[i]);
  return a;
#endif
}

// The second argument where either is NaN, so min(limit, x) lets a NaN in x pass.
inline Vec min(Vec a, Vec b) { return a < b ? a : b; }
inline Vec max(Vec a, Vec b) { return a > b ? a : b; }

inline UVec bits(Vec a) { return reinterpret_cast<UVec>(a); }
inline Vec from_bits(UVec a) { return reinterpret_cast<Vec>(a); }
inline Vec abs(Vec a) { return from_bits(bits(a) & 0x7FFFFFFFu); }
inline Vec copysign(Vec magnitude, Vec sign) {
  return from_bits((bits(magnitude) & 0x7FFFFFFFu) | (bits(sign) & 0x80000000u));
}
inline IVec truncate(Vec a) { return __builtin_convertvector(a, IVec); }  // |a| < 2^31
inline Vec to_float(IVec a) { return __builtin_convertvector(a, Vec); }

// The sum of all lanes: halves onto halves.
inline float sum(Vec a) {
#if defined(__x86_64__)
#if defined(__AVX512F__)
  __m256 half = __builtin_shufflevector(a, a, 0, 1, 2, 3, 4, 5, 6, 7) +
                __builtin_shufflevector(a, a, 8, 9, 10, 11, 12, 13, 14, 15);
  __m128 v = _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
#elif defined(__AVX2__)
  __m128 v = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
#else
  __m128 v = a;
#endif
  v = _mm_add_ps(v, _mm_movehl_ps(v, v));
  return _mm_cvtss_f32(_mm_add_ss(v, _mm_shuffle_ps(v, v, 1)));
#else
  for (int half = kWidth / 2; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) a[i] += a[i + half];
  return a[0];
#endif
}

// e^x as p * 2^n for |x| <= 160: x = n ln 2 + r, |r| <= ln 2 / 2 (ln 2 in two parts: Cody, Waite 1980), and p - 1 =
// e^r - 1.
struct ExpParts {
  Vec p_minus_1;
  UVec n;  // two's complement
};
inline ExpParts exp_parts(Vec x) {
  // Adding 1.5 * 2^23 rounds to an integer that then sits in the low bits of the sum.
  constexpr float kRound = 0x1.8p23f;
  Vec shifted = fma(x, 0x1.715476p0f, kRound);
  Vec n = shifted - kRound;
  Vec r = fma(n, -0x1.63p-1f, x);
  r = fma(n, 0x1.bd0106p-13f, r);
  // (e^r - 1 - r) / r^2, minimax.
  Vec q = fma(r, 0x1.a1a604p-13f, 0x1.6d7b94p-10f);
  q = fma(q, r, 0x1.11108cp-7f);
  q = fma(q, r, 0x1.5554a6p-5f);
  q = fma(q, r, 0x1.555556p-3f);
  q = fma(q, r, 0.5f);
  return {fma(r * r, q, r), bits(shifted) - 0x4B400000u};
}
// 2^n for -126 <= n <= 127.
inline Vec power_of_two(UVec n) { return from_bits((n + 127u) << 23); }

inline Vec exp(Vec x) {
  // Beyond these bounds the result is infinite, or zero, anyway.
  x = max(broadcast(-105.0f), min(broadcast(89.0f), x));
  ExpParts e = exp_parts(x);
  UVec half = reinterpret_cast<UVec>(reinterpret_cast<IVec>(e.n) >> 1);  // 2^n itself may be out of range
  return (1.0f + e.p_minus_1) * power_of_two(half) * power_of_two(e.n - half);
}

// e^x - 1 for x <= 88.
inline Vec expm1_below(Vec x) {
  x = max(broadcast(-20.0f), x);  // -1 to the last bit
  ExpParts e = exp_parts(x);
  Vec scale = power_of_two(e.n);
  return fma(scale, e.p_minus_1, scale - 1.0f);
}

// log(u) + correction, for positive normal u.
inline Vec log_of_normal(Vec u, Vec correction, Vec exponent_shift) {
  // u = m * 2^e with sqrt(1/2) <= m < sqrt(2).
  UVec above = bits(u) - 0x3F3504F3u;
  IVec e = reinterpret_cast<IVec>(above) >> 23;
  Vec f = from_bits(bits(u) - (reinterpret_cast<UVec>(e) << 23)) - 1.0f;
  Vec exponent = to_float(e) - exponent_shift;
  // (log(1 + f) - f + f^2 / 2) / f^3, minimax.
  Vec q = fma(f, -0x1.38b4ccp-4f, 0x1.055b46p-3f);
  q = fma(q, f, -0x1.0d8552p-3f);
  q = fma(q, f, 0x1.22da22p-3f);
  q = fma(q, f, -0x1.547244p-3f);
  q = fma(q, f, 0x1.99a008p-3f);
  q = fma(q, f, -0x1.000228p-2f);
  q = fma(q, f, 0x1.555554p-2f);
  q = fma(q, f, -0.5f);
  Vec low = fma(f * f, q, fma(exponent, -0x1.bd0106p-13f, correction));
  return fma(exponent, 0x1.63p-1f, f + low);
}

inline Vec log(Vec x) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  IVec tiny = x < std::numeric_limits<float>::min();
  Vec y = log_of_normal(tiny ? x * 0x1p23f : x, Vec{}, tiny ? broadcast(23.0f) : Vec{});
  y = x == kInfinity ? x : y;
  y = x == 0.0f ? broadcast(-kInfinity) : y;
  return x >= 0.0f ? y : broadcast(std::numeric_limits<float>::quiet_NaN());
}

// log(1 + x): of the rounded sum, with its rounding error as a first-order term (Kahan).
inline Vec log1p(Vec x) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  Vec u = 1.0f + x;
  Vec lost = x < 1.0f ? x - (u - 1.0f) : 1.0f - (u - x);
  Vec y = log_of_normal(u, lost / u, Vec{});
  y = x == kInfinity ? x : y;
  y = x == -1.0f ? broadcast(-kInfinity) : y;
  return x >= -1.0f ? y : broadcast(std::numeric_limits<float>::quiet_NaN());
}

inline Vec expm1(Vec x) {
  Vec y = expm1_below(min(broadcast(88.0f), x));
  return x > 88.0f ? exp(x) : y;  // the 1 is below half a unit of the last place
}

// With t = e^(2|x|) - 1: tanh |x| = t / (t + 2). From |x| = 10 on that is 1.
inline Vec tanh(Vec x) {
  Vec t = expm1_below(min(broadcast(20.0f), 2.0f * abs(x)));
  return copysign(t / (t + 2.0f), x);
}

inline Vec sigmoid(Vec x) { return 1.0f / (1.0f + exp(-x)); }

// log1p for 0 <= x <= 1: no special cases to select.
inline Vec log1p_of_fraction(Vec x) {
  Vec u = 1.0f + x;
  return log_of_normal(u, (x - (u - 1.0f)) / u, Vec{});
}
inline Vec softplus(Vec x) { return max(x, Vec{}) + log1p_of_fraction(exp(-abs(x))); }

}  // namespace kantor::KANTOR_ISA
