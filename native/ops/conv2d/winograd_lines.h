// The one-dimensional transforms of Winograd's convolutions F(m x m, 3 x 3) (Lavin, Gray 2016, arXiv 1509.09308), m = 4
// and m = 2. In two dimensions each is applied to the columns of a tile and then to its rows. With tap w and m + 2
// neighbouring source elements d,
//
//   y_j = sum over r < 3 of d_{j + r} w_r, j < m      is      y = result(kernel(w) * source(d))
//
// where * goes element by element: m + 2 multiplications instead of 3 m. The gradients are transposes of the same three
// maps: of w, given y's gradient g, it is kernel_gradient(source(d) * gradient(g)).
//
// The maps evaluate polynomials at points. m = 4 takes 0, +-5/8, +-3/2 and infinity: of all pairs of sixteenths these
// nearly minimise the rounding error (1.7 times that of the plain sum in the mean, over 64 channels, where the usual 0,
// +-1, +-2 make 3.7 times), and the coefficients below that are not quotients are floats. m = 2 takes 0, +-1 and
// infinity: on small whole numbers it is exact.
#pragma once
#include "ops/simd.h"

namespace kantor::KANTOR_ISA {
namespace {

// The weights are transformed once a call: in double, so that each is off by half a unit of its last place.
typedef double DoubleVec __attribute__((vector_size(8 * kWidth)));

template <int m>
struct Winograd;

template <>
struct Winograd<4> {
  static constexpr double a = 5.0 / 8, b = 3.0 / 2, aa = a * a, bb = b * b;
  // What a point's polynomial, the product over the other points, is divided by; kernel has the divisors.
  static constexpr double zero = aa * bb, at_a = 2 * aa * (aa - bb), at_b = 2 * bb * (bb - aa);
  static constexpr float fa = a, fb = b, faa = aa, fbb = bb, faaa = aa * a, fbbb = bb * b, fzero = zero, fsum = aa + bb;

  [[gnu::always_inline]] static void source(const Vec (&d)[6], Vec (&t)[6]) {
    Vec even = fma(d[2], -fbb, d[4]), odd = fma(d[1], -fbb, d[3]);
    t[1] = fma(odd, fa, even);
    t[2] = fma(odd, -fa, even);
    even = fma(d[2], -faa, d[4]), odd = fma(d[1], -faa, d[3]);
    t[3] = fma(odd, fb, even);
    t[4] = fma(odd, -fb, even);
    t[0] = fma(d[0], fzero, fma(d[2], -fsum, d[4]));
    t[5] = fma(d[1], fzero, fma(d[3], -fsum, d[5]));
  }
  [[gnu::always_inline]] static void result(const Vec (&t)[6], Vec (&y)[4]) {
    Vec even_a = t[1] + t[2], odd_a = t[1] - t[2], even_b = t[3] + t[4], odd_b = t[3] - t[4];
    y[0] = t[0] + (even_a + even_b);
    y[1] = fma(odd_a, fa, odd_b * fb);
    y[2] = fma(even_a, faa, even_b * fbb);
    y[3] = fma(odd_a, faaa, fma(odd_b, fbbb, t[5]));
  }
  [[gnu::always_inline]] static void gradient(const Vec (&g)[4], Vec (&t)[6]) {
    Vec even = fma(g[2], faa, g[0]), odd = fma(g[3], faaa, g[1] * fa);
    t[1] = even + odd;
    t[2] = even - odd;
    even = fma(g[2], fbb, g[0]), odd = fma(g[3], fbbb, g[1] * fb);
    t[3] = even + odd;
    t[4] = even - odd;
    t[0] = g[0];
    t[5] = g[3];
  }
  [[gnu::always_inline]] static void kernel(const DoubleVec (&w)[3], DoubleVec (&t)[6]) {
    DoubleVec even = w[0] + w[2] * aa, odd = w[1] * a;
    t[1] = (even + odd) * (1 / at_a);
    t[2] = (even - odd) * (1 / at_a);
    even = w[0] + w[2] * bb, odd = w[1] * b;
    t[3] = (even + odd) * (1 / at_b);
    t[4] = (even - odd) * (1 / at_b);
    t[0] = w[0] * (1 / zero);
    t[5] = w[2];
  }
  [[gnu::always_inline]] static void kernel_gradient(const Vec (&t)[6], Vec (&w)[3]) {
    Vec even_a = (t[1] + t[2]) * static_cast<float>(1 / at_a), even_b = (t[3] + t[4]) * static_cast<float>(1 / at_b);
    w[0] = fma(t[0], static_cast<float>(1 / zero), even_a + even_b);
    w[1] = fma(t[1] - t[2], static_cast<float>(a / at_a), (t[3] - t[4]) * static_cast<float>(b / at_b));
    w[2] = fma(even_a, faa, fma(even_b, fbb, t[5]));
  }
};

template <>
struct Winograd<2> {
  [[gnu::always_inline]] static void source(const Vec (&d)[4], Vec (&t)[4]) {
    t[0] = d[0] - d[2];
    t[1] = d[2] + d[1];
    t[2] = d[2] - d[1];
    t[3] = d[3] - d[1];
  }
  [[gnu::always_inline]] static void result(const Vec (&t)[4], Vec (&y)[2]) {
    y[0] = t[0] + t[1] + t[2];
    y[1] = t[1] - t[2] + t[3];
  }
  [[gnu::always_inline]] static void gradient(const Vec (&g)[2], Vec (&t)[4]) {
    t[0] = g[0];
    t[1] = g[0] + g[1];
    t[2] = g[0] - g[1];
    t[3] = g[1];
  }
  [[gnu::always_inline]] static void kernel(const DoubleVec (&w)[3], DoubleVec (&t)[4]) {
    DoubleVec even = (w[0] + w[2]) * 0.5, odd = w[1] * 0.5;
    t[0] = w[0];
    t[1] = even + odd;
    t[2] = even - odd;
    t[3] = w[2];
  }
  [[gnu::always_inline]] static void kernel_gradient(const Vec (&t)[4], Vec (&w)[3]) {
    Vec even = (t[1] + t[2]) * 0.5f;
    w[0] = t[0] + even;
    w[1] = (t[1] - t[2]) * 0.5f;
    w[2] = even + t[3];
  }
};

// The lines as types, for what is written once for several of them.
template <int m>
struct SourceLine {
  static constexpr int kStep = m, kIn = m + 2, kOut = m + 2;
  [[gnu::always_inline]] static void run(const Vec (&in)[kIn], Vec (&out)[kOut]) { Winograd<m>::source(in, out); }
};
template <int m>
struct GradientLine {
  static constexpr int kStep = m, kIn = m, kOut = m + 2;
  [[gnu::always_inline]] static void run(const Vec (&in)[kIn], Vec (&out)[kOut]) { Winograd<m>::gradient(in, out); }
};

}  // namespace
}  // namespace kantor::KANTOR_ISA
