#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "pointwise_program.h"
#include "runtime/cpu/float_mode.h"

using namespace kantor;
using namespace kantor::test;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity(), kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kHuge = std::numeric_limits<float>::max(), kTiny = std::numeric_limits<float>::min();

// Units in the last place between a float and the exact value. A result below the normal floats may be zero.
double ulps(double got, double want) {
  constexpr double kWrong = 1e9;
  if (std::isnan(want) || std::isnan(got)) return std::isnan(want) && std::isnan(got) ? 0 : kWrong;
  const double rounded = static_cast<float>(want);
  if (std::isinf(rounded) || std::isinf(got)) return got == rounded ? 0 : kWrong;
  if (std::abs(want) < kTiny) return std::abs(got) <= kTiny ? 0 : kWrong;
  int exponent;
  std::frexp(want, &exponent);
  return std::abs(got - want) / std::ldexp(1.0, exponent - 24);
}

// What goes wrong first: signs of zero, the ends of the range, where the functions change their method or saturate.
std::vector<double> special_values() {
  std::vector<double> values = {
      0.0,      kInfinity,       kHuge,       kTiny,       1.0,         0.5,         2.0,        3.0,        1e-20f,
      1e20f,    1e-7f,           0x1p-24f,    0x1p24f,     0.34657359f, 0.34657362f, 0.7071067f, 0.7071069f, 1.4142135f,
      1.41422f, 0x1.fffffep23f,  8.9f,        9.1f,        10.0f,       16.6f,       17.4f,      20.0f,      44.3f,
      87.3365f, 87.4f,           88.0f,       88.01f,      88.7228f,    88.73f,      89.1f,      103.9f,     104.1f,
      106.0f,   1000.0f};
  const size_t count = values.size();
  for (size_t i = 0; i < count; ++i) values.push_back(-values[i]);
  values.push_back(kNan);
  return values;
}

// The special values and the normal floats at even distances of their bits.
std::vector<double> sweep() {
  std::vector<double> values = special_values();
  for (uint64_t pattern = 0; pattern < uint64_t{1} << 32; pattern += 274177) {
    const float x = std::bit_cast<float>(static_cast<uint32_t>(pattern));
    if (std::isnormal(x)) values.push_back(x);
  }
  for (int i = -4000; i < 4000; ++i) values.push_back(static_cast<float>(i * 0.0123));
  return values;
}

struct OpcodeCase {
  Pw op;
  double ulps;  // from the exact value
  float imm = 0;
  double of_exp = 0;  // how many times what exp_ulps() are counts
};
const OpcodeCase kUnary[] = {
    {Pw::scale, 0.5, 1.7f}, {Pw::shift, 0.5, -0.3f}, {Pw::neg, 0},           {Pw::abs, 0},
    {Pw::square, 0.5},      {Pw::sqrt, 0.5},         {Pw::safe_rsqrt, 1.5},  {Pw::reciprocal, 0.5},
    {Pw::exp, 2, 0, 1},     {Pw::log, 2},            {Pw::tanh, 3},          {Pw::sigmoid, 3, 0, 3},
    {Pw::softplus, 3, 0, 1}, {Pw::relu, 0},          {Pw::leaky_relu, 0.5, 0.2f}, {Pw::step, 0},
    {Pw::leaky_mask, 0, 0.2f}, {Pw::sign, 0},        {Pw::max_scalar, 0, 0.3f}, {Pw::min_scalar, 0, -0.3f},
};
const OpcodeCase kBinary[] = {{Pw::add, 0.5}, {Pw::sub, 0.5}, {Pw::mul, 0.5},   {Pw::div, 0.5},
                              {Pw::max, 0},   {Pw::min, 0},   {Pw::greater, 0}, {Pw::equal, 0}};

// Runs the case in f64 on the reference and in f32 on every device; error(got, want, i) must be at most limit.
template <class Error>
void compare_with_exact(const OpCase& c, double limit, Error error) {
  OpCase exact = c;
  for (Value& v : exact.in) {
    Value wide(DType::f64, v.dims);
    for (int64_t i = 0; i < v.count(); ++i) wide.set(i, v.get(i));
    v = wide;
  }
  for (Value& v : exact.out) v = Value(DType::f64, v.dims);
  const Value want = run_op(exact, "reference", 1)[0];
  for (const std::string& device : tested_devices()) {
    CAPTURE(device);
    const Value got = run_op(c, device, 1)[0];
    double worst = 0;
    int64_t at = 0;
    for (int64_t i = 0; i < want.count(); ++i)
      if (double e = error(got.get(i), want.get(i), i); e > worst) worst = e, at = i;
    INFO("element ", at, " of ", c.in[0].get(at), ": got ", got.get(at), ", expected ", want.get(at));
    CHECK_LE(worst, limit);
  }
}

}  // namespace

TEST_CASE("unary operations are within their bounds over the whole range") {
  const std::vector<double> values = sweep();
  const auto n = static_cast<int64_t>(values.size());
  for (const OpcodeCase& o : kUnary) {
    CAPTURE(name_of(o.op));
    const PwText text{1, n, {{1, n, 1}}, 1, {{Pw::input, 0, 0, 0, 0}, {o.op, 1, 0, 0, o.imm}, {Pw::store, 0, 1, 0, 0}}};
    compare_with_exact({"pointwise", {f32({n}, values)}, {f32({n})}, text.attributes()},
                       o.ulps + o.of_exp * exp_ulps(),
                       [](double got, double want, int64_t) { return ulps(got, want); });
  }
}

TEST_CASE("binary operations are exact on every pair of special values") {
  const std::vector<double> values = special_values();
  const auto n = static_cast<int64_t>(values.size());
  for (const OpcodeCase& o : kBinary) {
    CAPTURE(name_of(o.op));
    const PwText text{n, n, {{n, 1, 0}, {1, 0, 1}}, 1,
                      {{Pw::input, 0, 0, 0, 0}, {Pw::input, 1, 1, 0, 0}, {o.op, 2, 0, 1, 0}, {Pw::store, 0, 2, 0, 0}}};
    compare_with_exact({"pointwise", {f32({n}, values), f32({n}, values)}, {f32({n, n})}, text.attributes()}, o.ulps,
                       [](double got, double want, int64_t) { return ulps(got, want); });
  }
}

TEST_CASE("mul_add rounds at most twice") {
  const std::vector<double> values = special_values();
  const auto n = static_cast<int64_t>(values.size());
  for (float addend : {0.0f, 1.0f, -3.0f, kNan}) {
    CAPTURE(addend);
    const PwText text{n, n, {{n, 1, 0}, {1, 0, 1}}, 1,
                      {{Pw::input, 0, 0, 0, 0}, {Pw::input, 1, 1, 0, 0}, {Pw::constant, 2, 0, 0, addend},
                       {Pw::mul_add, 2, 0, 1, 0}, {Pw::store, 0, 2, 0, 0}}};
    auto error = [&](double got, double want, int64_t i) {
      if (ulps(got, want) <= 1) return 0.0;
      const double product = std::abs(values[i / n] * values[i % n]);
      return std::abs(got - want) / ((product + std::abs(addend)) * 0x1p-24);
    };
    compare_with_exact({"pointwise", {f32({n}, values), f32({n}, values)}, {f32({n, n})}, text.attributes()}, 1, error);
  }
}

namespace {

// Runs a program in float, element by element, over tensors that may be shared: what every instruction set must give
// to the bit where the operations are those of IEEE 754.
float exact_float(const PwInstruction& i, float a, float b) {
  switch (i.op) {
    case Pw::constant: return i.imm;
    case Pw::scale: return a * i.imm;
    case Pw::shift: return a + i.imm;
    case Pw::neg: return -a;
    case Pw::abs: return std::fabs(a);
    case Pw::square: return a * a;
    case Pw::sqrt: return std::sqrt(a);
    case Pw::safe_rsqrt: return a > 0 ? 1 / std::sqrt(a) : 0;
    case Pw::reciprocal: return 1 / a;
    case Pw::relu: return a <= 0 ? 0 : a;
    case Pw::leaky_relu: return a > 0 ? a : i.imm * a;
    case Pw::step: return a > 0 ? 1 : 0;
    case Pw::leaky_mask: return a > 0 ? 1 : i.imm;
    case Pw::sign: return a > 0 ? 1 : a < 0 ? -1 : 0;
    case Pw::max_scalar: return std::isnan(a) ? a : std::max(a, i.imm);
    case Pw::min_scalar: return std::isnan(a) ? a : std::min(a, i.imm);
    case Pw::add: return a + b;
    case Pw::sub: return a - b;
    case Pw::mul: return a * b;
    case Pw::div: return a / b;
    case Pw::max: return std::isnan(a) || std::isnan(b) ? kNan : std::max(a, b);
    case Pw::min: return std::isnan(a) || std::isnan(b) ? kNan : std::min(a, b);
    case Pw::greater: return a > b ? 1 : 0;
    case Pw::equal: return a == b ? 1 : 0;
    default: REQUIRE_MESSAGE(false, name_of(i.op)); return 0;
  }
}
constexpr Pw kExact[] = {Pw::constant, Pw::scale,      Pw::shift,      Pw::neg,  Pw::abs,        Pw::square,
                         Pw::sqrt,     Pw::safe_rsqrt, Pw::reciprocal, Pw::relu, Pw::leaky_relu, Pw::step,
                         Pw::sign,     Pw::max_scalar, Pw::min_scalar, Pw::add,  Pw::sub,        Pw::mul,
                         Pw::div,      Pw::max,        Pw::min,        Pw::greater, Pw::equal,   Pw::leaky_mask};
// Of bounded slope, so that an error in the last place stays small down a chain.
constexpr Pw kSmooth[] = {Pw::constant, Pw::scale,    Pw::shift,      Pw::neg,        Pw::abs, Pw::tanh, Pw::sigmoid,
                          Pw::softplus, Pw::relu,     Pw::leaky_relu, Pw::max_scalar, Pw::add, Pw::sub,  Pw::max,
                          Pw::min,      Pw::tanh,     Pw::sigmoid};

struct RandomProgram {
  PwText text;
  OpCase run;
};

// A valid program of these operations: operands read in any way, outputs stored anywhere, some over an operand.
RandomProgram random_program(uint64_t seed, int64_t rows, int64_t cols, const Pw* ops, size_t op_count) {
  std::mt19937_64 generator(seed);
  auto below = [&](size_t n) { return static_cast<int>(generator() % n); };
  auto imm = [&] { return static_cast<float>(below(1001) - 500) / 500; };
  RandomProgram p{{rows, cols, {}, 1 + below(3), {}}, {"pointwise", {}, {}, {}, {}}};
  const std::vector<PwOperand> modes = operand_modes(rows, cols);
  const int operands = 1 + below(5);
  std::vector<int> free;  // elementwise operands that no output lies over yet
  for (int k = 0; k < operands; ++k) {
    const PwOperand mode = below(2) ? modes[0] : modes[below(modes.size())];
    p.text.operands.push_back(mode);
    p.run.in.push_back(random({extent_of(mode, rows, cols)}, seed * 100 + k));
    if (mode.period == rows && mode.row_stride == cols && mode.col_stride == 1) free.push_back(k);
  }
  for (int j = 0; j < p.text.stores; ++j) {
    p.run.out.push_back(f32({rows * cols}));
    p.run.alias.push_back(-1);
    if (!free.empty() && below(2)) {
      p.run.alias.back() = free.back();
      free.pop_back();
    }
  }
  std::vector<uint8_t> written;
  int stored = 0;
  const int length = 3 + below(25);
  const int registers = 2 + below(kRegisters - 1);
  auto any = [&] { return written[below(written.size())]; };
  for (int i = 0; i < length || stored < p.text.stores; ++i) {
    const bool store = !written.empty() && stored < p.text.stores && (i >= length || below(5) == 0);
    if (store) {
      p.text.code.push_back({Pw::store, 0, any(), static_cast<uint8_t>(stored++), 0});
      continue;
    }
    const auto dst = static_cast<uint8_t>(below(registers));
    if (written.empty() || below(3) == 0) {
      p.text.code.push_back({Pw::input, dst, static_cast<uint8_t>(below(operands)), 0, 0});
    } else {
      p.text.code.push_back({ops[below(op_count)], dst, any(), any(), imm()});
    }
    written.push_back(dst);
  }
  p.run.attributes = p.text.attributes();
  return p;
}

std::vector<Value> run_exactly(const RandomProgram& p) {
  std::vector<Value> in = p.run.in, out = p.run.out;
  auto output = [&](int j) -> Value& { return p.run.alias[j] >= 0 ? in[p.run.alias[j]] : out[j]; };
  FlushDenormals as_the_devices_do;
  for (int64_t row = 0; row < p.text.rows; ++row)
    for (int64_t col = 0; col < p.text.cols; ++col) {
      float registers[kRegisters] = {};
      for (const PwInstruction& i : p.text.code) {
        if (i.op == Pw::input) {
          const PwOperand& o = p.text.operands[i.a];
          registers[i.dst] = in[i.a].tensor().f32()[row % o.period * o.row_stride + col * o.col_stride];
        } else if (i.op == Pw::store) {
          output(i.b).tensor().f32()[row * p.text.cols + col] = registers[i.a];
        } else {
          registers[i.dst] = exact_float(i, registers[i.a], registers[i.b]);
        }
      }
    }
  for (int j = 0; j < p.text.stores; ++j) out[j] = output(j);
  return out;
}

// Equal but for the sign of zero and the bits of NaN.
bool same_numbers(const Value& a, const Value& b) {
  for (int64_t i = 0; i < a.count(); ++i)
    if (!(a.get(i) == b.get(i) || (std::isnan(a.get(i)) && std::isnan(b.get(i))))) return false;
  return true;
}

std::string listing(const PwText& text) {
  std::string lines = std::to_string(text.rows) + " x " + std::to_string(text.cols) + "\n";
  for (const PwOperand& o : text.operands)
    lines += "operand " + std::to_string(o.period) + " " + std::to_string(o.row_stride) + " " +
             std::to_string(o.col_stride) + "\n";
  for (const PwInstruction& i : text.code)
    lines += std::string(name_of(i.op)) + " r" + std::to_string(i.dst) + " " + std::to_string(i.a) + " " +
             std::to_string(i.b) + " " + std::to_string(i.imm) + "\n";
  return lines;
}

struct Domain {
  int64_t rows, cols;
};
// One element, one row, one column, vectors and their tails, several tiles and several tasks.
const Domain kDomains[] = {{1, 1},   {1, 7},    {7, 1},  {2, 2},    {3, 16},   {6, 17},     {30, 3},
                           {10, 64}, {15, 100}, {5, 31}, {3, 1500}, {64, 784}, {1, 40000}, {1300, 12}};

}  // namespace

TEST_CASE("random programs of exact operations give the same numbers everywhere") {
  for (uint64_t seed = 0; seed < 500; ++seed) {
    const Domain& d = kDomains[seed % std::size(kDomains)];
    const RandomProgram p = random_program(seed, d.rows, d.cols, kExact, std::size(kExact));
    CAPTURE(seed);
    const std::vector<Value> want = run_exactly(p);
    for (const std::string& device : tested_devices()) {
      CAPTURE(device);
      const std::vector<Value> one = run_op(p.run, device, 1);
      const std::vector<Value> two = d.rows * d.cols > 8192 ? run_op(p.run, device, 2) : one;
      for (size_t j = 0; j < want.size(); ++j) {
        INFO("output ", j, " over input ", p.run.alias[j], "\n", listing(p.text));
        REQUIRE(same_numbers(one[j], want[j]));
        REQUIRE(same_bits(two[j], one[j]));
      }
    }
  }
}

TEST_CASE("random programs of smooth operations agree with the reference") {
  for (uint64_t seed = 1000; seed < 1100; ++seed) {
    const Domain& d = kDomains[seed % std::size(kDomains)];
    const RandomProgram p = random_program(seed, d.rows, d.cols, kSmooth, std::size(kSmooth));
    CAPTURE(seed);
    INFO(listing(p.text));
    check_op(p.run, 1e-3);  // of values as small as a thousandth of the largest
  }
}

TEST_CASE("mul_add takes its operands read in any way, and any of them twice") {
  for (const Domain& d : {Domain{1, 5}, Domain{6, 37}, Domain{30, 700}}) {
    const std::vector<PwOperand> modes = operand_modes(d.rows, d.cols);
    for (size_t i = 0; i < modes.size(); ++i)
      for (size_t j = 0; j < modes.size(); ++j) {
        const PwOperand a = modes[i], b = modes[j], c = modes[(i + j) % modes.size()];
        const PwText text{d.rows, d.cols, {a, b, c}, 2,
                          {{Pw::input, 0, 0, 0, 0}, {Pw::input, 1, 1, 0, 0}, {Pw::input, 2, 2, 0, 0},
                           {Pw::mul_add, 2, 0, 1, 0}, {Pw::store, 0, 2, 0, 0}, {Pw::mul_add, 2, 2, 2, 0},
                           {Pw::store, 0, 2, 1, 0}}};
        CAPTURE(i);
        CAPTURE(j);
        check_op({"pointwise", {random({extent_of(a, d.rows, d.cols)}, 1), random({extent_of(b, d.rows, d.cols)}, 2),
                                random({extent_of(c, d.rows, d.cols)}, 3)},
                  {f32({d.rows, d.cols}), f32({d.rows, d.cols})}, text.attributes()}, 1e-3);
      }
  }
}

TEST_CASE("neighbours that one function computes give what they give one by one") {
  auto whole = [](const PwOperand& o, const Domain& d, uint64_t seed) {
    Value value = random(DType::f32, {extent_of(o, d.rows, d.cols)}, seed, -8, 9);
    for (int64_t i = 0; i < value.count(); ++i) value.set(i, std::floor(value.get(i)));
    return value;
  };
  // Registers 0, 1, 2 hold the operands, and 9 takes the result.
  const std::vector<PwInstruction> bodies[] = {
      {{Pw::mul, 3, 0, 1, 0}, {Pw::add, 9, 3, 2, 0}},
      {{Pw::mul, 3, 0, 1, 0}, {Pw::add, 3, 2, 3, 0}, {Pw::relu, 9, 3, 0, 0}},
      {{Pw::mul, 3, 0, 0, 0}, {Pw::add, 3, 3, 3, 0}, {Pw::leaky_relu, 9, 3, 0, 0.25f}},
      {{Pw::add, 3, 0, 1, 0}, {Pw::leaky_relu, 3, 3, 0, -0.5f}, {Pw::relu, 9, 3, 0, 0}},
      {{Pw::mul_add, 2, 0, 1, 0}, {Pw::relu, 9, 2, 0, 0}},
      {{Pw::step, 3, 1, 0, 0}, {Pw::mul, 9, 3, 0, 0}},
      {{Pw::leaky_mask, 3, 1, 0, 0.5f}, {Pw::mul, 3, 0, 3, 0}, {Pw::add, 9, 3, 2, 0}},
      {{Pw::step, 3, 0, 0, 0}, {Pw::leaky_mask, 4, 1, 0, 2}, {Pw::mul, 9, 3, 4, 0}},
      {{Pw::mul, 3, 0, 1, 0}, {Pw::mul, 4, 1, 2, 0}, {Pw::add, 9, 3, 4, 0}},
      {{Pw::mul, 3, 0, 1, 0}, {Pw::store, 0, 2, 1, 0}, {Pw::add, 9, 3, 2, 0}},
  };
  for (const Domain& d : {Domain{1, 5}, Domain{6, 37}, Domain{30, 700}}) {
    const std::vector<PwOperand> modes = operand_modes(d.rows, d.cols);
    for (size_t i = 0; i < modes.size(); ++i)
      for (const std::vector<PwInstruction>& body : bodies)
        for (bool in_place : {false, true}) {
          if (in_place && i != 0) continue;
          const PwOperand a = modes[0], b = modes[i], c = modes[(2 * i + 1) % modes.size()];
          PwText text{d.rows, d.cols, {a, b, c}, 1,
                      {{Pw::input, 0, 0, 0, 0}, {Pw::input, 1, 1, 0, 0}, {Pw::input, 2, 2, 0, 0}}};
          text.code.insert(text.code.end(), body.begin(), body.end());
          text.code.push_back({Pw::store, 0, 9, 0, 0});
          for (const PwInstruction& code : body) text.stores += code.op == Pw::store;
          OpCase run{"pointwise", {whole(a, d, 1), whole(b, d, 2), whole(c, d, 3)}, {}, text.attributes()};
          for (int store = 0; store < text.stores; ++store) run.out.push_back(f32({d.rows * d.cols}));
          run.alias.assign(static_cast<size_t>(text.stores), -1);
          if (in_place) run.alias.back() = 0;
          CAPTURE(i);
          INFO(listing(text));
          check_op(run, 0);
        }
  }
}

TEST_CASE("in place, an input after a store sees what was stored") {
  // out 0 lies over the operand: r1 keeps the old value, r2 gets the new one.
  const PwText text{1, 1000, {{1, 1000, 1}}, 2,
                    {{Pw::input, 1, 0, 0, 0}, {Pw::scale, 0, 1, 0, 3}, {Pw::store, 0, 0, 0, 0}, {Pw::input, 2, 0, 0, 0},
                     {Pw::add, 3, 1, 2, 0}, {Pw::store, 0, 3, 1, 0}}};
  const OpCase c{"pointwise", {random({1000}, 1)}, {f32({1000}), f32({1000})}, text.attributes(), {0, -1}};
  for (const std::string& device : tested_devices()) {
    const std::vector<Value> got = run_op(c, device, 1);
    const auto x = static_cast<float>(c.in[0].get(17));
    CHECK_EQ(got[0].get(17), x * 3.0f);
    CHECK_EQ(got[1].get(17), x + x * 3.0f);
  }
}

TEST_CASE("a position in a vector changes no bit") {
  // The same values shifted by one lane, through every function.
  const int64_t n = 67;
  const Value x = random(DType::f32, {n}, 5, -4, 4);
  for (const OpcodeCase& o : kUnary) {
    CAPTURE(name_of(o.op));
    for (const std::string& device : tested_devices()) {
      std::vector<double> shifted = {1};
      for (int64_t i = 0; i + 1 < n; ++i) shifted.push_back(x.get(i));
      const PwText text{1, n, {{1, n, 1}}, 1,
                        {{Pw::input, 0, 0, 0, 0}, {o.op, 1, 0, 0, o.imm}, {Pw::store, 0, 1, 0, 0}}};
      const Value a = run_op({"pointwise", {x}, {f32({n})}, text.attributes()}, device, 1)[0];
      const Value b = run_op({"pointwise", {f32({n}, shifted)}, {f32({n})}, text.attributes()}, device, 1)[0];
      CHECK_EQ(std::memcmp(a.bytes.data(), b.bytes.data() + 4, 4 * (n - 1)), 0);
    }
  }
}

TEST_CASE("pointwise says what does not fit") {
  const PwText good{2, 3, {{2, 3, 1}, {1, 0, 1}}, 1,
                    {{Pw::input, 0, 0, 0, 0}, {Pw::input, 1, 1, 0, 0}, {Pw::add, 2, 0, 1, 0}, {Pw::store, 0, 2, 0, 0}}};
  const OpCase base{"pointwise", {f32({2, 3}), f32({3})}, {f32({2, 3})}, good.attributes()};
  CHECK_EQ(try_op(base).status, KT_OK);

  struct Case {
    const char* message;
    void (*spoil)(PwText&, OpCase&);
  };
  const Case cases[] = {
      {"reads register 5, which nothing has written", [](PwText& t, OpCase&) { t.code[2].a = 5; }},
      {"(mul_add) reads register 2, which nothing has written", [](PwText& t, OpCase&) { t.code[2].op = Pw::mul_add; }},
      {"reads register 77", [](PwText& t, OpCase&) { t.code[3].a = 77; }},
      {"writes register 16; expected 0 to 15", [](PwText& t, OpCase&) { t.code[0].dst = 16; }},
      {"unknown opcode 99", [](PwText& t, OpCase&) { t.code[2].op = static_cast<Pw>(99); }},
      {"reads operand 2, but there are 2", [](PwText& t, OpCase&) { t.code[1].a = 2; }},
      {"nothing hands it one", [](PwText& t, OpCase&) { t.code[1].op = Pw::accumulator; }},
      {"stores output 1, but there are 1", [](PwText& t, OpCase&) { t.code[3].b = 1; }},
      {"stores output 0 again", [](PwText& t, OpCase&) { t.code.push_back(t.code[3]); }},
      {"output 0 is never stored", [](PwText& t, OpCase&) { t.code.pop_back(); }},
      {"rows is 0", [](PwText& t, OpCase&) { t.rows = 0; }},
      {"cols is -3", [](PwText& t, OpCase&) { t.cols = -3; }},
      {"period of an operand is 0", [](PwText& t, OpCase&) { t.operands[1].period = 0; }},
      {"row stride of an operand is -1", [](PwText& t, OpCase&) { t.operands[1].row_stride = -1; }},
      {"operand 0 is f32[2, 3] but the program reads its element 6",
       [](PwText& t, OpCase&) { t.operands[0].row_stride = 4; }},
      {"operand 1 is f32[3] but the program reads its element 4",
       [](PwText& t, OpCase&) { t.operands[1].col_stride = 2; }},
      {"operand 1 is f64[3]; expected f32", [](PwText&, OpCase& c) { c.in[1] = f64({3}); }},
      {"tensors are i32; expected f32 or f64", [](PwText&, OpCase& c) { c.out[0] = i32({2, 3}); }},
      {"output 0 is f32[7]; expected 6 elements (2 rows of 3)", [](PwText&, OpCase& c) { c.out[0] = f32({7}); }},
      {"expected 2 inputs and 1 outputs, got 1 and 1", [](PwText&, OpCase& c) { c.in.pop_back(); }},
      {"output 0 overlaps operand 1",
       [](PwText& t, OpCase& c) { c.in[1] = f32({2, 3}), c.alias = {1}, t.operands[1] = {1, 0, 1}; }},
      {"stores nothing", [](PwText& t, OpCase& c) { t.stores = 0, t.code.pop_back(), c.out.clear(); }},
      {"store count is 17; expected 0 to 16", [](PwText& t, OpCase&) { t.stores = 17; }},
  };
  for (const Case& bad : cases) {
    CAPTURE(std::string(bad.message));
    PwText text = good;
    OpCase c = base;
    bad.spoil(text, c);
    c.attributes = text.attributes();
    const Rejection r = try_op(c, "reference");
    CHECK_EQ(r.status, KT_INVALID_ARGUMENT);
    INFO(r.message);
    CHECK_NE(r.message.find(bad.message), std::string::npos);
  }
  OpCase more = base, fewer = base;
  more.attributes.push_back(0);
  CHECK_NE(try_op(more).message.find("the program has"), std::string::npos);
  for (size_t n = 0; n < base.attributes.size(); ++n) {
    fewer.attributes.assign(base.attributes.begin(), base.attributes.begin() + static_cast<int64_t>(n));
    CHECK_EQ(try_op(fewer).status, KT_INVALID_ARGUMENT);
  }
}
