// Products of every form against the reference. Most cases take small whole numbers, whose sums float32 holds exactly,
// so that every instruction set must give the reference's bits; the rest take numbers of one sign, whose sums lose no
// more than depth * 2^-24 of their value. The whole numbers are numbers of tf32 and bf16 too, so that a device that takes
// these must give the same bits in each.
#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "ops/gemm/gemm.h"
#include "support.h"

using namespace kantor;
using namespace kantor::test;

namespace {

struct GemmCase {
  int64_t m, n, depth;
  bool transpose_a, transpose_b;
};

// 1-wide, primes, around the tile sizes of each instruction set, and rows 4 KB apart, which alias in caches; each runs in all four transposes.
const int64_t kOddSizes[][3] = {{1, 1, 1},    {1, 1, 37},   {1, 37, 1},     {37, 1, 1},     {1, 300, 5},   {300, 1, 5},
                                {1, 1, 3000}, {2, 3, 2100}, {13, 1, 130},   {1, 13, 130},   {5, 7, 11},    {13, 17, 19},
                                {14, 32, 16}, {15, 33, 17}, {16, 16, 16},   {17, 47, 31},   {29, 31, 37},  {6, 16, 8},
                                {7, 15, 9},   {61, 67, 71}, {97, 8, 101},   {101, 103, 1},  {100, 4, 300}, {3, 700, 40},
                                {700, 3, 40}, {64, 64, 64}, {30, 40, 5000}, {20, 300, 1000},
                                {37, 300, 1024}, {20, 70, 2048},
                                // As many elements as the large tiles of a GPU are for, once for each of three precisions.
                                {700, 641, 3}, {645, 700, 17}, {643, 641, 5}};

// What training runs: forward, data gradient, weight gradient; dense networks, then the dense ends of convolutional
// ones.
const GemmCase kTrainingShapes[] = {
    {64, 256, 784, false, true},  {192, 256, 784, false, true},  {64, 256, 256, false, true},
    {512, 1, 256, false, true},   {64, 256, 100, false, true},   {128, 784, 256, false, true},
    {64, 784, 256, false, false}, {192, 256, 256, false, false}, {1024, 256, 1, false, false},
    {256, 784, 64, true, false},  {256, 256, 192, true, false},  {784, 256, 64, true, false},
    {1, 256, 1536, true, false},  {256, 100, 128, true, false},  {16, 1024, 3136, false, true},
    {8, 3136, 100, false, true},  {1024, 3136, 8, true, false},   {16, 3136, 1024, false, false}};

struct Epilogue {
  const char* name;
  int64_t period, row_stride,
      col_stride;  // of its operand; 0, 0, 0 for none, -1 stands for the number of rows or columns
  bool in_place;   // the operand is output 0
  int stores;
  std::vector<PwInstruction> code;
};

const Epilogue kEpilogues[] = {
    {"none", 0, 0, 0, false, 1, {}},
    {"bias, leaky relu",
     1,
     0,
     1,
     false,
     1,
     {{Pw::accumulator, 0, 0, 0, 0},
      {Pw::input, 1, 0, 0, 0},
      {Pw::add, 2, 0, 1, 0},
      {Pw::leaky_relu, 2, 2, 0, 0.25f},
      {Pw::store, 0, 2, 0, 0}}},
    {"matrix, relu",
     -1,
     -1,
     1,
     false,
     1,
     {{Pw::input, 1, 0, 0, 0},
      {Pw::accumulator, 0, 0, 0, 0},
      {Pw::add, 0, 1, 0, 0},
      {Pw::relu, 0, 0, 0, 0},
      {Pw::store, 0, 0, 0, 0}}},
    {"the product twice",
     1,
     0,
     1,
     false,
     1,
     {{Pw::accumulator, 0, 0, 0, 0},
      {Pw::input, 1, 0, 0, 0},
      {Pw::add, 2, 0, 1, 0},
      {Pw::mul, 2, 2, 0, 0},
      {Pw::store, 0, 2, 0, 0}}},
    {"accumulate",
     -1,
     -1,
     1,
     true,
     1,
     {{Pw::accumulator, 0, 0, 0, 0}, {Pw::input, 1, 0, 0, 0}, {Pw::add, 0, 0, 1, 0}, {Pw::store, 0, 0, 0, 0}}},
    {"mask",
     -1,
     -1,
     1,
     false,
     1,
     {{Pw::input, 3, 0, 0, 0},
      {Pw::leaky_mask, 3, 3, 0, 0.5f},
      {Pw::accumulator, 1, 0, 0, 0},
      {Pw::mul, 1, 1, 3, 0},
      {Pw::store, 0, 1, 0, 0}}},
    {"a value a row, two outputs",
     -1,
     1,
     0,
     false,
     2,
     {{Pw::accumulator, 0, 0, 0, 0},
      {Pw::store, 0, 0, 1, 0},
      {Pw::input, 1, 0, 0, 0},
      {Pw::add, 0, 0, 1, 0},
      {Pw::relu, 0, 0, 0, 0},
      {Pw::store, 0, 0, 0, 0}}},
    {"three values, row by row",
     3,
     1,
     0,
     false,
     1,
     {{Pw::accumulator, 0, 0, 0, 0}, {Pw::input, 1, 0, 0, 0}, {Pw::mul, 0, 0, 1, 0}, {Pw::store, 0, 0, 0, 0}}},
    {"tanh", 0, 0, 0, false, 1, {{Pw::accumulator, 0, 0, 0, 0}, {Pw::tanh, 0, 0, 0, 0}, {Pw::store, 0, 0, 0, 0}}},
};
const size_t kExactEpilogues = std::size(kEpilogues) - 1;

int64_t word(const PwInstruction& code) {
  return static_cast<int64_t>(static_cast<uint64_t>(code.op) | uint64_t{code.dst} << 8 | uint64_t{code.a} << 16 |
                              uint64_t{code.b} << 24 | uint64_t{std::bit_cast<uint32_t>(code.imm)} << 32);
}

Value whole_numbers(std::vector<int64_t> dims, uint64_t seed) {
  Value value = random(DType::f32, std::move(dims), seed, -4, 5);
  for (int64_t i = 0; i < value.count(); ++i) value.set(i, std::floor(value.get(i)));
  return value;
}

Value of_one_sign(std::vector<int64_t> dims, uint64_t seed) { return random(DType::f32, std::move(dims), seed, 0, 1); }

OpCase gemm_case(const GemmCase& g, const Epilogue& e, Value (*fill)(std::vector<int64_t>, uint64_t),
                 Precision precision) {
  auto matrix = [&](int64_t rows, int64_t cols, bool transposed, uint64_t seed) {
    return fill(transposed ? std::vector<int64_t>{cols, rows} : std::vector<int64_t>{rows, cols}, seed);
  };
  OpCase c = {"gemm", {matrix(g.m, g.depth, g.transpose_a, 1), matrix(g.depth, g.n, g.transpose_b, 2)}, {}, {}};
  c.attributes = {g.transpose_a, g.transpose_b, g.m, g.n, e.period != 0};
  if (e.period != 0) {
    int64_t period = e.period < 0 ? g.m : e.period, row_stride = e.row_stride < 0 ? g.n : e.row_stride;
    c.attributes.insert(c.attributes.end(), {period, row_stride, e.col_stride});
    c.in.push_back(e.col_stride == 0 ? fill({period}, 3) : period == 1 ? fill({g.n}, 3) : fill({g.m, g.n}, 3));
  }
  c.attributes.insert(c.attributes.end(), {e.stores, static_cast<int64_t>(e.code.size())});
  for (const PwInstruction& code : e.code) c.attributes.push_back(word(code));
  c.out.assign(e.stores, f32({g.m, g.n}));
  c.alias.assign(e.stores, -1);
  if (e.in_place) c.alias[0] = 2;
  c.precision = precision;
  return c;
}

void check_gemm(const GemmCase& g, const Epilogue& e, Value (*fill)(std::vector<int64_t>, uint64_t), double tolerance,
                Precision precision) {
  CAPTURE(g.m);
  CAPTURE(g.n);
  CAPTURE(g.depth);
  CAPTURE(g.transpose_a);
  CAPTURE(g.transpose_b);
  CAPTURE(std::string(e.name));
  CAPTURE(std::string(name_of(precision)));
  check_op(gemm_case(g, e, fill, precision), tolerance);
}

// Twice what rounding does, since an epilogue squares the product.
double bound(const GemmCase& g, Precision precision) {
  return 1e-6 + static_cast<double>(g.depth) * 0x1p-24 + 2 * rounding_of(precision);
}

}  // namespace

TEST_CASE("gemm multiplies any sizes in any transposes") {
  const std::vector<Precision> precisions = tested_precisions();
  size_t row = 0, turn = 0;
  for (const auto& size : kOddSizes) {
    Precision precision = precisions[turn++ % precisions.size()];
    for (int transposes = 0; transposes < 4; ++transposes, ++row)
      for (size_t e = 0; e < kExactEpilogues; ++e) {
        if (!all_combinations() && e != (row + row / kExactEpilogues) % kExactEpilogues) continue;
        check_gemm({size[0], size[1], size[2], transposes % 2 == 1, transposes / 2 == 1}, kEpilogues[e], whole_numbers, 0,
                   precision);
      }
  }
}

TEST_CASE("gemm multiplies the shapes of training") {
  const std::vector<Precision> precisions = tested_precisions();
  size_t turn = 0;
  for (const GemmCase& g : kTrainingShapes) {
    if (!affordable(g.m * g.n * g.depth)) continue;
    Precision precision = precisions[turn % precisions.size()];
    if (all_combinations()) check_gemm(g, kEpilogues[0], whole_numbers, 0, precision);
    check_gemm(g, kEpilogues[1 + turn++ % (kExactEpilogues - 1)], whole_numbers, 0, precision);
  }
}

TEST_CASE("gemm rounds no worse than a plain sum of rounded factors") {
  for (Precision precision : tested_precisions()) {
    size_t row = 0;
    for (const auto& size : kOddSizes) {
      GemmCase g = {size[0], size[1], size[2], false, true};
      for (size_t e = 0; e < std::size(kEpilogues); ++e)
        if (all_combinations() || e == row % std::size(kEpilogues))
          check_gemm(g, kEpilogues[e], of_one_sign, bound(g, precision), precision);
      ++row;
    }
    GemmCase g = {64, 256, 784, false, true};
    check_gemm(g, kEpilogues[1], of_one_sign, bound(g, precision), precision);
  }
}

TEST_CASE("gemm keeps NaN and infinity through its epilogues") {
  for (const Epilogue& e : kEpilogues)
    for (Precision precision : tested_precisions())
      for (double bad : {std::nan(""), static_cast<double>(INFINITY), -static_cast<double>(INFINITY)}) {
        CAPTURE(std::string(e.name));
        CAPTURE(std::string(name_of(precision)));
        CAPTURE(bad);
        OpCase c = gemm_case({19, 37, 5, false, true}, e, of_one_sign, precision);
        c.in[0].set(7 * 5 + 2, bad);
        check_op(c, 1e-5 + rounding_of(precision));
      }
}

TEST_CASE("the reference gemm is a product, in float64 as well") {
  for (DType dtype : {DType::f32, DType::f64}) {
    Value a(dtype, {2, 3}), b(dtype, {3, 2}), c(dtype, {2, 2});
    for (int i = 0; i < 6; ++i) {
      a.set(i, i + 1);  // 1 2 3, 4 5 6
      b.set(i, 6 - i);  // 6 5, 4 3, 2 1
    }
    Value out = run_op({"gemm", {a, b}, {c}, {0, 0, 2, 2, 0, 1, 0}}, "reference", 1)[0];
    const double want[] = {20, 14, 56, 41};
    for (int i = 0; i < 4; ++i) CHECK_EQ(out.get(i), want[i]);
  }
}

TEST_CASE("gemm says what does not fit") {
  auto rejected = [](std::vector<int64_t> a, std::vector<int64_t> b, const std::vector<int64_t>& attributes,
                     const char* text) {
    Rejection r = try_op({"gemm", {f32(std::move(a)), f32(std::move(b))}, {f32({4, 5})}, attributes});
    CHECK_EQ(r.status, KT_INVALID_ARGUMENT);
    CHECK_MESSAGE(r.message.find(text) != std::string::npos, r.message);
  };
  const std::vector<int64_t> plain = {0, 0, 4, 5, 0, 1, 0};
  rejected({4, 3}, {2, 5}, plain, "A is f32[4, 3] and B is f32[2, 5]; expected B to be [3, *]");
  rejected({3, 4}, {5, 2}, {1, 1, 4, 5, 0, 1, 0},
           "A is f32[3, 4], transposed, and B is f32[5, 2], transposed; expected B to be [*, 3]");
  rejected({12}, {3, 5}, plain, "expected two matrices");
  rejected({4, 3}, {3, 5}, {0, 2, 4, 5, 0, 1, 0}, "transpose_b is 2; expected 0 or 1");
  rejected({4, 3}, {3, 5}, {0, 0, 5, 4, 0, 1, 0}, "the epilogue is over [5, 4]; expected [4, 5]");
  rejected({4, 3}, {3, 5}, {0, 0, 4, 5, 0, 1, 0, 7}, "1 attributes follow the epilogue");
  rejected({4, 3}, {3, 5}, {0}, "at least");
  Value square = f32({4, 4});
  Rejection r = try_op({"gemm", {square, square}, {square}, {0, 0, 4, 4, 0, 1, 0}, {0}});
  CHECK_EQ(r.status, KT_INVALID_ARGUMENT);
  CHECK_MESSAGE(r.message.find("overlaps A or B") != std::string::npos, r.message);
  Value a = f32({4, 0}), b = f32({0, 5}), c = f32({4, 5});
  CHECK_THROWS_AS(validate_gemm({"gemm", {a.tensor(), b.tensor()}, {c.tensor()}, plain}), Error);
  CHECK_EQ(try_op({"gemm", {f64({4, 3}), f32({3, 5})}, {f32({4, 5})}, plain}, "reference").status, KT_INVALID_ARGUMENT);
}
