#include <utility>

#include "ops/pointwise/pointwise_eval.h"

namespace kantor::KANTOR_ISA {
namespace {

// a, b are the instruction's registers, or for mul_add c is its destination's old value.
template <Pw op>
inline Vec apply(Vec a, Vec b, Vec c, Vec imm) {
  const Vec zero{}, one = broadcast(1.0f);
  if constexpr (op == Pw::input) return a;
  else if constexpr (op == Pw::scale) return a * imm;
  else if constexpr (op == Pw::shift) return a + imm;
  else if constexpr (op == Pw::neg) return -a;
  else if constexpr (op == Pw::abs) return abs(a);
  else if constexpr (op == Pw::square) return a * a;
  else if constexpr (op == Pw::sqrt) return sqrt(a);
  else if constexpr (op == Pw::safe_rsqrt) return a > 0.0f ? 1.0f / sqrt(a) : zero;
  else if constexpr (op == Pw::reciprocal) return 1.0f / a;
  else if constexpr (op == Pw::exp) return exp(a);
  else if constexpr (op == Pw::log) return log(a);
  else if constexpr (op == Pw::tanh) return tanh(a);
  else if constexpr (op == Pw::sigmoid) return sigmoid(a);
  else if constexpr (op == Pw::softplus) return softplus(a);
  else if constexpr (op == Pw::relu) return max(zero, a);  // in this order, so that NaN stays NaN
  else if constexpr (op == Pw::leaky_relu) return a > 0.0f ? a : imm * a;
  else if constexpr (op == Pw::step) return a > 0.0f ? one : zero;
  else if constexpr (op == Pw::leaky_mask) return a > 0.0f ? one : imm;
  else if constexpr (op == Pw::sign) return a > 0.0f ? one : (a < 0.0f ? -one : zero);
  else if constexpr (op == Pw::max_scalar) return max(imm, a);
  else if constexpr (op == Pw::min_scalar) return min(imm, a);
  else if constexpr (op == Pw::add) return a + b;
  else if constexpr (op == Pw::sub) return a - b;
  else if constexpr (op == Pw::mul) return a * b;
  else if constexpr (op == Pw::div) return a / b;
  else if constexpr (op == Pw::max) return a != a ? a : max(a, b);
  else if constexpr (op == Pw::min) return a != a ? a : min(a, b);
  else if constexpr (op == Pw::greater) return a > b ? one : zero;
  else if constexpr (op == Pw::equal) return a == b ? one : zero;
  else if constexpr (op == Pw::mul_add) return fma(a, b, c);
}

template <Pw op, PwFused fused>
inline Vec apply(Vec a, Vec b, Vec c, Vec imm) {
  if constexpr (fused == PwFused::none) return apply<op>(a, b, c, imm);
  else if constexpr (fused == PwFused::mask) return apply<op>(a, apply<Pw::leaky_mask>(b, b, b, imm), c, imm);
  else if constexpr (fused == PwFused::relu) return apply<Pw::relu>(apply<op>(a, b, c, imm), b, c, imm);
  else return apply<Pw::leaky_relu>(apply<op>(a, b, c, imm), b, c, imm);
}

// One row of a source.
template <bool spread>
struct Row {
  explicit Row(const float* p) : at(p) {}
  Vec operator()(int64_t i) const { return load(at + i); }
  Vec operator()(int64_t i, int64_t n) const { return load_partial(at + i, n); }
  const float* at;
};
template <>
struct Row<true> {
  explicit Row(const float* p) : value(broadcast(*p)) {}
  Vec operator()(int64_t) const { return value; }
  Vec operator()(int64_t, int64_t) const { return value; }
  Vec value;
};

// The sources that an operation does not have repeat its first, so that their loads are the same load.
template <Pw op, PwFused fused, int sources, bool spread_a, bool spread_b, bool spread_c>
void run(const PwArguments& s) {
  constexpr int kB = sources > 1 ? 1 : 0, kC = sources > 2 ? 2 : 0;
  const Vec imm = broadcast(s.imm);
  const int64_t rows = s.rows, cols = s.cols;  // in registers: for all the compiler knows, a store might change s
  for (int64_t r = 0; r < rows; ++r) {
    Row<spread_a> a(s.source[0] + r * s.source_stride[0]);
    Row<spread_b> b(s.source[kB] + r * s.source_stride[kB]);
    Row<spread_c> c(s.source[kC] + r * s.source_stride[kC]);
    float* d = s.target + r * s.target_stride;
    int64_t i = 0;
    for (; i + kWidth <= cols; i += kWidth) store(d + i, apply<op, fused>(a(i), b(i), c(i), imm));
    if (int64_t n = cols - i) store_partial(d + i, apply<op, fused>(a(i, n), b(i, n), c(i, n), imm), n);
  }
}

template <Pw op, PwFused fused, int sources>
PwFunction choose(bool a, bool b, bool c) {
  if constexpr (sources == 1) {
    // Only a copy meets a spread source: any other operation is done on the few values before they are spread.
    if constexpr (op == Pw::input) return a ? run<op, fused, 1, true, true, true> : run<op, fused, 1, false, false, false>;
    return run<op, fused, 1, false, false, false>;
  } else if constexpr (sources == 2) {
    return a ? run<op, fused, 2, true, false, true> : b ? run<op, fused, 2, false, true, false> : run<op, fused, 2, false, false, false>;
  } else {
    if (a && b) return run<op, fused, 3, true, true, false>;
    if (a) return c ? run<op, fused, 3, true, false, true> : run<op, fused, 3, true, false, false>;
    if (b) return c ? run<op, fused, 3, false, true, true> : run<op, fused, 3, false, true, false>;
    return c ? run<op, fused, 3, false, false, true> : run<op, fused, 3, false, false, false>;
  }
}

}  // namespace

PwFunction pw_function(Pw op, PwFused fused, const bool (&spread)[3]) {
  const auto [a, b, c] = spread;
#define KANTOR_PW(name, sources) \
  case Pw::name:                 \
    return choose<Pw::name, PwFused::none, sources>(a, b, c);
  switch (fused) {
    case PwFused::relu:
      return op == Pw::add ? choose<Pw::add, PwFused::relu, 2>(a, b, c) : choose<Pw::mul_add, PwFused::relu, 3>(a, b, c);
    case PwFused::leaky_relu:
      return op == Pw::add ? choose<Pw::add, PwFused::leaky_relu, 2>(a, b, c)
                           : choose<Pw::mul_add, PwFused::leaky_relu, 3>(a, b, c);
    case PwFused::mask: return choose<Pw::mul, PwFused::mask, 2>(a, b, c);
    case PwFused::none: break;
  }
  switch (op) {
    KANTOR_PW(input, 1)
    KANTOR_PW(scale, 1)
    KANTOR_PW(shift, 1)
    KANTOR_PW(neg, 1)
    KANTOR_PW(abs, 1)
    KANTOR_PW(square, 1)
    KANTOR_PW(sqrt, 1)
    KANTOR_PW(safe_rsqrt, 1)
    KANTOR_PW(reciprocal, 1)
    KANTOR_PW(exp, 1)
    KANTOR_PW(log, 1)
    KANTOR_PW(tanh, 1)
    KANTOR_PW(sigmoid, 1)
    KANTOR_PW(softplus, 1)
    KANTOR_PW(relu, 1)
    KANTOR_PW(leaky_relu, 1)
    KANTOR_PW(step, 1)
    KANTOR_PW(leaky_mask, 1)
    KANTOR_PW(sign, 1)
    KANTOR_PW(max_scalar, 1)
    KANTOR_PW(min_scalar, 1)
    KANTOR_PW(add, 2)
    KANTOR_PW(sub, 2)
    KANTOR_PW(mul, 2)
    KANTOR_PW(div, 2)
    KANTOR_PW(max, 2)
    KANTOR_PW(min, 2)
    KANTOR_PW(greater, 2)
    KANTOR_PW(equal, 2)
    KANTOR_PW(mul_add, 3)
    case Pw::accumulator:
    case Pw::store:
    case Pw::constant:
      break;
  }
#undef KANTOR_PW
  return nullptr;
}

}  // namespace kantor::KANTOR_ISA
