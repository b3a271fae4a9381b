// Two standard normals from two random words, by Box and Muller (1958): the formula of normal.h, in float, with the
// same bits on every device. Three things make it so: every rounding is a multiplication, a square root or an fma that
// is written down (no product is ever added, so a compiler has nothing to contract); the angle is reduced on the
// integer; no library function but sqrt and fma, which round correctly everywhere.
//
// Coefficient i of a polynomial below belongs to the power i. They are minimax fits (Lawson's iteration on Chebyshev
// points), off by less than 0.1 * 2^-24 relative before their coefficients were rounded to float:
//   ln(1 + f) = f + f^2 L(f) for 1 + f in [sqrt(1/2), sqrt(2)]
//   sin(pi/2 x) = x S(x^2), cos(pi/2 x) = 1 + x^2 C(x^2) for x in [-1/2, 1/2] quarter turns
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>

#include "ops/philox.h"

namespace kantor {

KANTOR_HD constexpr float log_coefficient(int i) {
  constexpr float k[] = {-0.49999988f, 0.33333325f,  -0.25001583f, 0.20001973f, -0.16609083f,
                         0.14181826f,  -0.13242988f, 0.12904434f,  -0.07621778f};
  return k[i];
}
KANTOR_HD constexpr float sin_coefficient(int i) {
  constexpr float k[] = {1.5707964f, -0.6459635f, 0.07968003f, -0.004601658f};
  return k[i];
}
KANTOR_HD constexpr float cos_coefficient(int i) {
  constexpr float k[] = {-1.2337005f, 0.25366923f, -0.020860165f, 0.00090376654f};
  return k[i];
}
constexpr float kLn2 = 0.69314718f;
constexpr uint32_t kSqrtHalfBits = 0x3F3504F3;  // of the float next to sqrt(1/2): mantissas are centred on 1

struct NormalPair {
  float first, second;
};

KANTOR_HD inline NormalPair box_muller(uint32_t radius_word, uint32_t angle_word) {
  // u1 = k * 2^-24 = m * 2^e with m in [sqrt(1/2), sqrt(2))
  float u1 = static_cast<float>((radius_word >> 8) + 1) * 0x1p-24f;
  uint32_t bits;
  memcpy(&bits, &u1, sizeof bits);
  int32_t exponent = static_cast<int32_t>(bits - kSqrtHalfBits) >> 23;
  bits -= static_cast<uint32_t>(exponent) << 23;
  float m;
  memcpy(&m, &bits, sizeof m);
  float f = m - 1.0f;
  float p = log_coefficient(8);
  for (int i = 7; i >= 0; --i) p = fmaf(p, f, log_coefficient(i));
  float ln = fmaf(static_cast<float>(exponent), kLn2, fmaf(f * f, p, f));
  float r = sqrtf(-2.0f * ln);

  // 2 pi u2 = pi/2 (quarter + x): quarter is the nearest whole number of quarter turns
  uint32_t n = angle_word >> 8, quarter = (n + (1u << 21)) >> 22;
  float x = static_cast<float>(static_cast<int32_t>(n - (quarter << 22))) * 0x1p-22f, x2 = x * x;
  float s = sin_coefficient(3), c = cos_coefficient(3);
  for (int i = 2; i >= 0; --i) {
    s = fmaf(s, x2, sin_coefficient(i));
    c = fmaf(c, x2, cos_coefficient(i));
  }
  s = s * x;
  c = fmaf(c, x2, 1.0f);
  float cosine = quarter & 1 ? s : c, sine = quarter & 1 ? c : s;
  if ((quarter + 1) & 2) cosine = -cosine;
  if (quarter & 2) sine = -sine;
  return {r * cosine, r * sine};
}

}  // namespace kantor
