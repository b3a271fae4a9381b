// The three convolutions against their references. Most cases take small whole numbers, whose sums float32 holds
// exactly, so that every instruction set must give the reference's bits (but for F(4x4, 3x3), whose error
// winograd_test.cpp bounds); the rest take numbers of one sign, whose sums lose no more than 2^-24 of their value a term.
#include <doctest/doctest.h>

#include <cmath>

#include "ops/conv2d/conv_method.h"
#include "support.h"

using namespace kantor;
using namespace kantor::test;

namespace {

struct ConvCase {
  int64_t n, c, h, w, o, r, s;
  int64_t sh = 1, sw = 1, ph = 0, pw = 0, dh = 1, dw = 1;

  int64_t p() const { return (h + 2 * ph - dh * (r - 1) - 1) / sh + 1; }
  int64_t q() const { return (w + 2 * pw - dw * (s - 1) - 1) / sw + 1; }
};

ConvCase square(int64_t n, int64_t c, int64_t hw, int64_t o, int64_t k, int64_t stride, int64_t pad,
                int64_t dilation = 1) {
  return {n, c, hw, hw, o, k, k, stride, stride, pad, pad, dilation, dilation};
}

const ConvCase kCases[] = {
    // What training runs, at fewer images.
    square(1, 1, 56, 64, 3, 1, 1),
    square(1, 64, 56, 32, 3, 1, 1),
    square(2, 32, 56, 1, 3, 2, 1),
    square(2, 1, 28, 32, 3, 1, 1),
    square(2, 32, 14, 64, 3, 1, 1),
    square(3, 1, 28, 16, 3, 2, 1),
    square(3, 16, 14, 32, 3, 2, 1),
    square(5, 32, 7, 32, 3, 1, 1),
    square(3, 16, 14, 32, 4, 2, 1),
    square(2, 1, 28, 16, 4, 2, 1),
    // As many channels and pixels as the large tiles of a GPU are for.
    square(8, 2, 28, 33, 3, 1, 1),
    square(8, 1, 28, 33, 1, 1, 0),
    square(8, 33, 28, 1, 1, 1, 0),
    // As many pixels, of few channels, as its flat ones are for.
    square(16, 1, 28, 2, 3, 1, 1),
    // One of everything.
    square(1, 1, 1, 1, 1, 1, 0),
    square(70, 1, 1, 1, 1, 1, 0),
    square(1, 3, 1, 5, 3, 1, 1),
    square(3, 5, 1, 2, 1, 1, 0),
    {2, 3, 1, 9, 4, 1, 3},
    {2, 3, 9, 1, 4, 3, 1},
    {1, 2, 5, 5, 3, 5, 5},
    {1, 2, 1, 40, 3, 1, 7, 1, 1, 0, 3},
    // Primes, channels around the tiles of each instruction set, kernels of even and unequal sides.
    square(2, 7, 13, 9, 3, 1, 1),
    square(1, 5, 17, 17, 3, 1, 0),
    square(2, 3, 11, 15, 2, 1, 0),
    square(1, 2, 19, 7, 5, 1, 2),
    square(2, 17, 7, 31, 3, 1, 1),
    {2, 3, 11, 7, 5, 3, 2, 1, 1, 0, 1},
    {1, 4, 6, 37, 6, 2, 5, 1, 1, 1, 4},
    {33, 2, 5, 3, 3, 3, 3, 1, 1, 1, 1},
    {1, 2, 300, 3, 3, 3, 3, 1, 1, 1, 1},
    {1, 2, 3, 1100, 3, 3, 3, 1, 1, 1, 1},
    {1, 300, 6, 6, 5, 3, 3, 1, 1, 1, 1},
    {1, 3, 40, 40, 70, 1, 1},
    // More padding than the kernel reaches over; padding only on one side of an axis's meaning.
    square(2, 2, 4, 3, 1, 1, 2),
    square(1, 3, 3, 2, 3, 1, 4),
    {2, 2, 5, 6, 3, 3, 3, 1, 1, 0, 5},
    square(1, 2, 2, 3, 2, 3, 3),
    // Strides, with rows and columns that no window reaches, beyond the kernel, and unequal.
    square(2, 3, 9, 4, 3, 2, 0),
    square(2, 3, 10, 4, 3, 2, 1),
    square(2, 3, 11, 4, 3, 3, 1),
    square(1, 2, 13, 3, 2, 5, 0),
    square(1, 2, 13, 3, 1, 2, 0),
    {2, 3, 12, 9, 5, 3, 4, 2, 3, 1, 2},
    {1, 2, 9, 31, 3, 3, 3, 1, 2, 1, 1},
    {1, 2, 31, 9, 3, 3, 3, 2, 1, 1, 1},
    square(1, 2, 5, 3, 3, 7, 1),
    {1, 1, 1, 1, 2, 2, 2, 5, 5, 1, 1, 2, 2},
    {2, 9, 33, 65, 3, 4, 4, 2, 2, 1, 1},
    // Dilation.
    square(2, 3, 9, 4, 3, 1, 2, 2),
    square(1, 2, 13, 3, 3, 2, 2, 2),
    square(1, 2, 13, 3, 3, 3, 3, 2),
    {2, 2, 11, 14, 3, 3, 2, 2, 3, 1, 2, 3, 4},
    square(1, 3, 8, 2, 2, 1, 0, 7),
    // Winograd's tiles: cut short on both sides, in planes of a row, several images and parts of one to a strip.
    square(3, 33, 10, 16, 3, 1, 0),
    square(23, 16, 5, 18, 3, 1, 1),
    {1, 16, 1, 9, 17, 3, 3, 1, 1, 1, 1},
    {2, 16, 7, 61, 31, 3, 3, 1, 1, 2, 0},
    {1, 19, 33, 23, 16, 3, 3, 1, 1, 0, 3},
};

struct Epilogue {
  const char* name;
  bool per_channel, elementwise;  // its operand, if any
  int stores;
  std::vector<PwInstruction> code;
};

const Epilogue kEpilogues[] = {
    {"none", false, false, 1, {}},
    {"bias, leaky relu",
     true,
     false,
     1,
     {{Pw::accumulator, 0, 0, 0, 0},
      {Pw::input, 1, 0, 0, 0},
      {Pw::add, 2, 0, 1, 0},
      {Pw::leaky_relu, 2, 2, 0, 0.25f},
      {Pw::store, 0, 2, 0, 0}}},
    {"mask, two outputs",
     false,
     true,
     2,
     {{Pw::input, 3, 0, 0, 0},
      {Pw::leaky_mask, 3, 3, 0, 0.5f},
      {Pw::accumulator, 1, 0, 0, 0},
      {Pw::store, 0, 1, 1, 0},
      {Pw::mul, 1, 1, 3, 0},
      {Pw::store, 0, 1, 0, 0}}},
};

// Programs that make an operand while it is read: of channels, of another tensor, and of less than a tensor.
struct Prologue {
  const char* name;
  int result;  // -1: none
  bool per_channel, elementwise;
  std::vector<PwInstruction> code;
};

const Prologue kPrologues[] = {
    {"none", -1, false, false, {}},
    {"shift by channel, relu",
     2,
     true,
     false,
     {{Pw::accumulator, 0, 0, 0, 0}, {Pw::input, 1, 0, 0, 0}, {Pw::add, 2, 0, 1, 0}, {Pw::relu, 2, 2, 0, 0}}},
    {"difference and product of two tensors",
     5,
     false,
     true,
     {{Pw::input, 0, 0, 0, 0},
      {Pw::accumulator, 5, 0, 0, 0},
      {Pw::sub, 3, 5, 0, 0},
      {Pw::mul_add, 5, 3, 0, 0},
      {Pw::shift, 1, 5, 0, 9}}},
    {"as it lies, unused operand", 0, true, false, {{Pw::accumulator, 0, 0, 0, 0}}},
    {"a value by channel",
     1,
     true,
     false,
     {{Pw::accumulator, 0, 0, 0, 0}, {Pw::input, 1, 0, 0, 0}, {Pw::scale, 1, 1, 0, 2}}},
    {"a constant", 15, false, false, {{Pw::constant, 15, 0, 0, 3}}},
    {"scale and shift by channel, leaky relu",
     4,
     true,
     false,
     {{Pw::accumulator, 0, 0, 0, 0},
      {Pw::input, 1, 0, 0, 0},
      {Pw::mul, 2, 1, 0, 0},
      {Pw::add, 3, 2, 1, 0},
      {Pw::leaky_relu, 4, 3, 0, 0.5f}}},
    {"scale by channel", 0, true, false, {{Pw::accumulator, 0, 0, 0, 0}, {Pw::input, 1, 0, 0, 0}, {Pw::mul, 0, 0, 1, 0}}},
    {"an activation beside a map",
     3,
     true,
     false,
     {{Pw::accumulator, 0, 0, 0, 0},
      {Pw::input, 1, 0, 0, 0},
      {Pw::mul, 2, 0, 1, 0},
      {Pw::relu, 3, 0, 0, 0}}},
    {"a part of a map",
     2,
     true,
     false,
     {{Pw::accumulator, 0, 0, 0, 0},
      {Pw::input, 1, 0, 0, 0},
      {Pw::mul, 2, 0, 1, 0},
      {Pw::add, 3, 2, 1, 0}}},
};

int64_t word(const PwInstruction& code) {
  return static_cast<int64_t>(static_cast<uint64_t>(code.op) | uint64_t{code.dst} << 8 | uint64_t{code.a} << 16 |
                              uint64_t{code.b} << 24 | uint64_t{std::bit_cast<uint32_t>(code.imm)} << 32);
}

using Fill = Value (*)(std::vector<int64_t>, uint64_t);

Value whole_numbers(std::vector<int64_t> dims, uint64_t seed) {
  Value value = random(DType::f32, std::move(dims), seed, -4, 5);
  for (int64_t i = 0; i < value.count(); ++i) value.set(i, std::floor(value.get(i)));
  return value;
}

Value of_one_sign(std::vector<int64_t> dims, uint64_t seed) { return random(DType::f32, std::move(dims), seed, 0, 1); }

std::vector<int64_t> x_dims(const ConvCase& z) { return {z.n, z.c, z.h, z.w}; }
std::vector<int64_t> w_dims(const ConvCase& z) { return {z.o, z.c, z.r, z.s}; }
std::vector<int64_t> y_dims(const ConvCase& z) { return {z.n, z.o, z.p(), z.q()}; }
std::vector<int64_t> geometry(const ConvCase& z) { return {z.sh, z.sw, z.ph, z.pw, z.dh, z.dw}; }

// of: the dimensions of the operand.
void add_prologue(OpCase& c, const std::vector<int64_t>& of, const Prologue& p, Fill fill) {
  c.attributes.push_back(p.result);
  if (p.result < 0) return;
  const int64_t rows = of[0] * of[1], cols = of[2] * of[3];
  c.attributes.insert(c.attributes.end(), {rows, cols, p.per_channel || p.elementwise});
  if (p.per_channel) {
    c.attributes.insert(c.attributes.end(), {of[1], 1, 0});
    c.in.push_back(fill({of[1]}, 4));
  } else if (p.elementwise) {
    c.attributes.insert(c.attributes.end(), {rows, cols, 1});
    c.in.push_back(fill(of, 5));
  }
  c.attributes.insert(c.attributes.end(), {0, static_cast<int64_t>(p.code.size())});
  for (const PwInstruction& code : p.code) c.attributes.push_back(word(code));
}

void add_epilogue(OpCase& c, const std::vector<int64_t>& out, const Epilogue& e, Fill fill) {
  const int64_t rows = out[0] * out[1], cols = out[2] * out[3];
  c.attributes.insert(c.attributes.end(), {rows, cols, e.per_channel || e.elementwise});
  if (e.per_channel) {
    c.attributes.insert(c.attributes.end(), {out[1], 1, 0});
    c.in.push_back(fill({out[1]}, 3));
  } else if (e.elementwise) {
    c.attributes.insert(c.attributes.end(), {rows, cols, 1});
    c.in.push_back(fill(out, 3));
  }
  c.attributes.insert(c.attributes.end(), {e.stores, static_cast<int64_t>(e.code.size())});
  for (const PwInstruction& code : e.code) c.attributes.push_back(word(code));
  c.out.assign(e.stores, f32(out));
}

OpCase forward(const ConvCase& z, const Epilogue& e, Fill fill, const Prologue& p = kPrologues[0]) {
  OpCase c = {"conv2d", {fill(x_dims(z), 1), fill(w_dims(z), 2)}, {}, geometry(z)};
  add_prologue(c, x_dims(z), p, fill);
  add_epilogue(c, y_dims(z), e, fill);
  return c;
}

OpCase data_grad(const ConvCase& z, const Epilogue& e, Fill fill, const Prologue& p = kPrologues[0]) {
  OpCase c = {"conv2d_data_grad", {fill(y_dims(z), 1), fill(w_dims(z), 2)}, {}, geometry(z)};
  add_prologue(c, y_dims(z), p, fill);
  add_epilogue(c, x_dims(z), e, fill);
  return c;
}

OpCase weight_grad(const ConvCase& z, Fill fill, const Prologue& of_dy = kPrologues[0],
                   const Prologue& of_x = kPrologues[0]) {
  OpCase c = {"conv2d_weight_grad", {fill(y_dims(z), 1), fill(x_dims(z), 2)}, {f32(w_dims(z))}, geometry(z)};
  add_prologue(c, y_dims(z), of_dy, fill);
  add_prologue(c, x_dims(z), of_x, fill);
  return c;
}

ConvMethod method_of(const ConvCase& z) {
  return conv_method({z.n, z.c, z.h, z.w, z.o, z.r, z.s, z.p(), z.q(), z.sh, z.sw, z.ph, z.pw, z.dh, z.dw});
}

// Slow devices take the smaller cases more often than the larger ones.
int64_t multiplications(const ConvCase& z) { return z.n * z.p() * z.q() * z.o * z.c * z.r * z.s; }
bool often(const ConvCase& z) { return affordable(64 * multiplications(z)); }

// On whole numbers, which are numbers of tf32 and bf16 too.
void check_exactly(const ConvCase& z, OpCase c, Precision precision) {
  CAPTURE(std::string(name_of(precision)));
  c.precision = precision;
  if (method_of(z) == ConvMethod::winograd4) check_op(c, 1e-5, 1, 1);
  else check_op(c, 0);
}

void check_all(const ConvCase& z, const Epilogue& e, Fill fill, bool exact, Precision precision) {
  CAPTURE(z.n);
  CAPTURE(z.c);
  CAPTURE(z.h);
  CAPTURE(z.w);
  CAPTURE(z.o);
  CAPTURE(z.r);
  CAPTURE(z.s);
  CAPTURE(z.sh);
  CAPTURE(z.sw);
  CAPTURE(z.ph);
  CAPTURE(z.pw);
  CAPTURE(z.dh);
  CAPTURE(e.name);
  CAPTURE(std::string(name_of(precision)));
  auto check = [&](OpCase c, int64_t terms) {
    if (exact) return check_exactly(z, c, precision);
    c.precision = precision;
    check_op(c, 1e-6 + static_cast<double>(terms) * 0x1p-24 + rounding_of(precision), 1,
             method_of(z) == ConvMethod::direct ? 1e-3 : 1);
  };
  check(forward(z, e, fill), z.c * z.r * z.s);
  check(data_grad(z, e, fill), z.o * z.r * z.s);
  check(weight_grad(z, fill), z.n * z.p() * z.q());
}

}  // namespace

TEST_CASE("convolutions and their gradients, of any shape") {
  for (const ConvCase& z : kCases)
    for (Precision precision : tested_precisions())
      if (precision == Precision::fp32 ? affordable(4 * multiplications(z)) : often(z))
        check_all(z, kEpilogues[0], whole_numbers, true, precision);
}

TEST_CASE("epilogues follow convolutions of any shape") {
  const std::vector<Precision> precisions = tested_precisions();
  size_t turn = 0;
  for (const ConvCase& z : kCases) {
    const Epilogue& e = kEpilogues[1 + turn % (std::size(kEpilogues) - 1)];
    Precision precision = precisions[turn++ % precisions.size()];
    if (!often(z)) continue;
    check_exactly(z, forward(z, e, whole_numbers), precision);
    check_exactly(z, data_grad(z, e, whole_numbers), precision);
  }
}

TEST_CASE("prologues make the operands of convolutions of any shape") {
  const std::vector<Precision> precisions = tested_precisions();
  size_t turn = 0;
  for (const ConvCase& z : kCases) {
    const Epilogue& e = kEpilogues[turn % std::size(kEpilogues)];
    const Prologue& p = kPrologues[1 + turn % (std::size(kPrologues) - 1)];
    const Prologue& q = kPrologues[(turn + 2) % std::size(kPrologues)];
    Precision precision = precisions[turn / 2 % precisions.size()];
    CAPTURE(turn++);
    CAPTURE(p.name);
    CAPTURE(q.name);
    if (!often(z)) continue;
    check_exactly(z, forward(z, e, whole_numbers, p), precision);
    check_exactly(z, data_grad(z, e, whole_numbers, p), precision);
    check_exactly(z, weight_grad(z, whole_numbers, p, q), precision);
    check_exactly(z, weight_grad(z, whole_numbers, q, p), precision);
  }
}

TEST_CASE("convolutions round no worse than plain sums of rounded factors") {
  for (const ConvCase& z : kCases)
    for (Precision precision : tested_precisions())
      if (often(z)) check_all(z, kEpilogues[0], of_one_sign, false, precision);
}

TEST_CASE("the reference convolutions, in float64 as well") {
  // A row of three under a kernel of two, with a zero on each side.
  const std::vector<int64_t> words = {1, 1, 0, 1, 1, 1};
  for (DType dtype : {DType::f32, DType::f64}) {
    auto row = [dtype](const std::vector<double>& elements) {
      Value value(dtype, {1, 1, 1, static_cast<int64_t>(elements.size())});
      for (size_t i = 0; i < elements.size(); ++i) value.set(static_cast<int64_t>(i), elements[i]);
      return value;
    };
    auto result = [&](const char* op, const Value& a, const Value& b, int64_t length) {
      OpCase c = {op, {a, b}, {Value(dtype, {1, 1, 1, length})}, words};
      c.attributes.push_back(-1);
      if (std::string(op) == "conv2d_weight_grad") c.attributes.push_back(-1);
      else c.attributes.insert(c.attributes.end(), {1, length, 0, 1, 0});
      Value out = run_op(c, "reference", 1)[0];
      std::vector<double> elements;
      for (int64_t i = 0; i < length; ++i) elements.push_back(out.get(i));
      return elements;
    };
    Value x = row({1, 2, 3}), weight = row({10, 1}), dy = row({1, 2, 3, 4});
    CHECK_EQ(result("conv2d", x, weight, 4), std::vector<double>{1, 12, 23, 30});
    CHECK_EQ(result("conv2d_data_grad", dy, weight, 3), std::vector<double>{21, 32, 43});
    CHECK_EQ(result("conv2d_weight_grad", dy, x, 2), std::vector<double>{20, 14});
  }
}

TEST_CASE("convolutions say what does not fit") {
  auto rejected = [](OpCase c, const char* text) {
    Rejection r = try_op(c);
    CHECK_EQ(r.status, KT_INVALID_ARGUMENT);
    CHECK_MESSAGE(r.message.find(text) != std::string::npos, r.message);
  };
  const ConvCase z = square(2, 32, 8, 64, 3, 1, 1);
  const OpCase c = forward(z, kEpilogues[0], whole_numbers);
  auto with = [&c](auto change) {
    OpCase changed = c;
    change(changed);
    return changed;
  };
  rejected(with([](OpCase& t) {
             t.in[0] = f32({2, 16, 8, 8});
           }),
           "conv2d: weight is [64, 32, 3, 3] but the input has 16 channels; expected [*, 16, *, *]");
  rejected(with([](OpCase& t) {
             t.in[1] = f32({63, 32, 3, 3});
           }),
           "weight is [63, 32, 3, 3] but Y has 64 channels; expected [64, *, *, *]");
  rejected(with([](OpCase& t) { t.in[0] = f32({3, 32, 8, 8}); }), "X holds 3 images and Y 2");
  rejected(with([](OpCase& t) { t.in[0] = f32({2, 32, 64}); }), "X is f32[2, 32, 64]; expected four axes");
  rejected(with([](OpCase& t) { t.attributes[0] = 2; }),
           "height 8 gives 4 with kernel 3, stride 2, padding 1 and dilation 1; expected 8");
  rejected(with([](OpCase& t) { t.attributes[1] = 0; }), "stride 0, padding 1 and dilation 1 along the width");
  rejected(with([](OpCase& t) { t.attributes[3] = -1; }), "padding -1");
  rejected(with([](OpCase& t) { t.attributes[4] = 9; }),
           "a kernel of height 3 with dilation 9 does not fit into 8 padded by 1");
  rejected(with([](OpCase& t) { t.attributes[7] = 64, t.attributes[8] = 128; }),
           "the epilogue is over [64, 128]; expected [128, 64]");
  rejected(with([](OpCase& t) { t.attributes.push_back(7); }), "1 attributes follow the epilogue");
  rejected(with([](OpCase& t) { t.attributes.resize(5); }), "at least");
  rejected(with([](OpCase& t) {
             t.in[0] = f32({2, 64, 8, 8}), t.in[1] = f32({64, 64, 3, 3}), t.alias = {0};
           }),
           "an output overlaps input 0");
  const OpCase back = data_grad(z, kEpilogues[0], whole_numbers), weight = weight_grad(z, whole_numbers);
  OpCase changed = back;
  changed.in[0] = f32({2, 64, 7, 8});
  rejected(changed, "conv2d_data_grad: height 8 gives 8 with kernel 3, stride 1, padding 1 and dilation 1; expected 7");
  changed = weight;
  changed.out[0] = f32({64, 32, 3, 5});
  rejected(changed, "conv2d_weight_grad: width 8 gives 6 with kernel 5");
  changed = weight;
  changed.attributes.push_back(1);
  rejected(changed, "9 attributes given, expected 8");
  rejected(with([](OpCase& t) { t.attributes.resize(6); }), "the attributes end before input 0's prologue");
  rejected(with([](OpCase& t) { t.attributes[6] = 16; }), "the prologue's register is 16; expected -1 to 15");
  const OpCase made = forward(z, kEpilogues[0], whole_numbers, kPrologues[1]);
  changed = made;
  changed.attributes[6] = 3;
  rejected(changed, "input 0's prologue must store nothing and write register 3");
  changed = made;
  changed.attributes[7] = 32, changed.attributes[8] = 128;
  rejected(changed, "input 0's prologue is over [32, 128]; expected [64, 64], the planes of f32[2, 32, 8, 8]");
  changed = made;
  changed.in[2] = f64({32});
  CHECK_EQ(try_op(changed, "reference").status, KT_INVALID_ARGUMENT);
  changed = forward(square(2, 64, 8, 64, 3, 1, 1), kEpilogues[0], whole_numbers, kPrologues[2]);
  changed.alias = {2};
  rejected(changed, "an output overlaps input 2");
  Value x = f32({2, 32, 8, 8}), empty = f32({64, 32, 0, 3}), y = f32({2, 64, 8, 8});
  CHECK_THROWS_AS(validate_conv2d({"conv2d", {x.tensor(), empty.tensor()}, {y.tensor()}, c.attributes}), Error);
  changed = c;
  changed.in[1] = f64(w_dims(z));
  CHECK_EQ(try_op(changed, "reference").status, KT_INVALID_ARGUMENT);
}
