#include "ops/reduce/reduce.h"

#include <doctest/doctest.h>

#include <cmath>

#include "pointwise_program.h"

using namespace kantor;
using namespace kantor::test;

namespace {

struct ReduceCase {
  ReduceKind kind;
  int64_t rows, cols, channels = 1;
  int64_t sums() const {
    switch (kind) {
      case ReduceKind::all: return 1;
      case ReduceKind::rows: return rows;
      case ReduceKind::columns: return cols;
      case ReduceKind::channels: return channels;
    }
    return 0;
  }
};

// Losses, bias gradients, row norms, channel sums; odd sizes, several tiles, one phase and two.
const ReduceCase kCases[] = {
    {ReduceKind::all, 1, 1},        {ReduceKind::all, 64, 1},       {ReduceKind::all, 7, 3},
    {ReduceKind::all, 5, 511},      {ReduceKind::all, 300, 700},    {ReduceKind::all, 1, 100001},
    {ReduceKind::rows, 1, 1},       {ReduceKind::rows, 64, 1},      {ReduceKind::rows, 64, 784},
    {ReduceKind::rows, 33, 17},     {ReduceKind::rows, 3, 70000},   {ReduceKind::rows, 3000, 2},
    {ReduceKind::columns, 1, 1},    {ReduceKind::columns, 64, 1},   {ReduceKind::columns, 192, 256},
    {ReduceKind::columns, 1, 1000}, {ReduceKind::columns, 5000, 64}, {ReduceKind::columns, 3001, 33},
    {ReduceKind::columns, 600, 1030}, {ReduceKind::columns, 3, 20000}, {ReduceKind::columns, 40000, 1},
    {ReduceKind::channels, 1, 1, 1},  {ReduceKind::channels, 384, 49, 6}, {ReduceKind::channels, 256, 784, 64},
    {ReduceKind::channels, 6, 70000, 2}, {ReduceKind::channels, 2100, 100, 3}, {ReduceKind::channels, 2048, 16, 512},
    {ReduceKind::channels, 2400, 3, 600},
};

// What is summed, in register 1.
struct Summand {
  const char* name;
  std::vector<PwOperand> (*operands)(const ReduceCase&);
  int stores;
  std::vector<PwInstruction> code;
  std::vector<int> alias;  // of out[0], out[1], ..
};
PwOperand whole(const ReduceCase& c) { return {c.rows, c.cols, 1}; }

const Summand kSummands[] = {
    {"the operand", [](const ReduceCase& c) { return std::vector{whole(c)}; }, 0, {{Pw::input, 1, 0, 0, 0}}, {}},
    {"a product, stored",
     [](const ReduceCase& c) { return std::vector<PwOperand>{whole(c), {1, 0, 1}}; },
     1,
     {{Pw::input, 0, 0, 0, 0}, {Pw::input, 1, 1, 0, 0}, {Pw::mul, 1, 0, 1, 0}, {Pw::store, 0, 1, 0, 0}},
     {}},
    {"the old value, and a new one stored over it",
     [](const ReduceCase& c) { return std::vector<PwOperand>{whole(c), {1, 0, 0}}; },
     1,
     {{Pw::input, 1, 0, 0, 0}, {Pw::input, 2, 1, 0, 0}, {Pw::sub, 3, 1, 2, 0}, {Pw::store, 0, 3, 0, 0}},
     {-1, 0}},
    {"a value a row", [](const ReduceCase& c) { return std::vector<PwOperand>{{c.rows, 1, 0}}; }, 0,
     {{Pw::input, 0, 0, 0, 0}, {Pw::scale, 1, 0, 0, 3}}, {}},
    {"a value a column", [](const ReduceCase&) { return std::vector<PwOperand>{{1, 0, 1}}; }, 0,
     {{Pw::input, 0, 0, 0, 0}, {Pw::square, 1, 0, 0, 0}}, {}},
    {"a constant", [](const ReduceCase&) { return std::vector<PwOperand>{}; }, 0, {{Pw::constant, 1, 0, 0, 0.1f}}, {}},
};

OpCase op_case(const ReduceCase& c, const Summand& s, float scale) {
  PwText text{c.rows, c.cols, s.operands(c), s.stores, s.code};
  OpCase op{"reduce", {}, {f32({c.sums()})}, {}, s.alias};
  for (size_t k = 0; k < text.operands.size(); ++k)
    // Of one sign, so that rounding errors add up rather than cancel.
    op.in.push_back(random(DType::f32, {extent_of(text.operands[k], c.rows, c.cols)}, k + 1, 0.5, 1.5));
  for (int j = 0; j < s.stores; ++j) op.out.push_back(f32({c.rows * c.cols}));
  op.attributes = text.attributes({static_cast<int64_t>(c.kind), bits(scale), 1, c.channels});
  return op;
}

OpCase widened(OpCase c) {
  for (auto* values : {&c.in, &c.out})
    for (Value& v : *values) {
      Value wide(DType::f64, v.dims);
      for (int64_t i = 0; i < v.count(); ++i) wide.set(i, v.get(i));
      v = wide;
    }
  return c;
}

}  // namespace

TEST_CASE("sums are within their bound and the same for any number of threads") {
  const float scale = -0.25f;
  for (const ReduceCase& c : kCases)
    for (const Summand& s : kSummands) {
      CAPTURE(static_cast<int>(c.kind));
      CAPTURE(c.rows);
      CAPTURE(c.cols);
      CAPTURE(c.channels);
      CAPTURE(std::string(s.name));
      const OpCase op = op_case(c, s, scale);
      // All summands are positive: the sum of their absolute values is the sum. Each is rounded once, as is the result.
      OpCase exact = widened(op);
      if (s.operands(c).empty()) exact.out[0] = op.out[0];
      const std::vector<Value> want = run_op(exact, "reference", 1), reference = run_op(op, "reference", 1);
      for (const std::string& device : tested_devices()) {
        CAPTURE(device);
        const std::vector<Value> one = run_op(op, device, 1), two = run_op(op, device, 2);
        double worst = 0;
        for (int64_t i = 0; i < c.sums(); ++i)
          worst = std::max(worst, std::abs(one[0].get(i) - want[0].get(i)) / std::abs(want[0].get(i)));
        CHECK_LE(worst, (kSumError + 2) * 0x1p-24);
        for (size_t k = 0; k < one.size(); ++k) CHECK(same_bits(one[k], two[k]));
        for (size_t k = 1; k < one.size(); ++k) CHECK(same_bits(one[k], reference[k]));
      }
    }
}

TEST_CASE("a NaN or an infinity reaches its own sums only") {
  for (ReduceKind kind : {ReduceKind::rows, ReduceKind::columns, ReduceKind::channels}) {
    const ReduceCase c{kind, 40, 90, kind == ReduceKind::channels ? 4 : 1};
    OpCase op = op_case(c, kSummands[0], 1);
    op.in[0].set(7 * 90 + 83, std::nan(""));
    op.in[0].set(22 * 90 + 5, std::numeric_limits<double>::infinity());
    check_op(op, 1e-6);
  }
}

TEST_CASE("reduce says what does not fit") {
  const ReduceCase c{ReduceKind::columns, 4, 6};
  const OpCase good = op_case(c, kSummands[1], 1);
  CHECK_EQ(try_op(good).status, KT_OK);
  struct Case {
    const char* message;
    void (*spoil)(OpCase&);
  };
  const Case cases[] = {
      {"kind is 4; expected 0 to 3", [](OpCase& o) { o.attributes[0] = 4; }},
      {"nothing writes the result register 9", [](OpCase& o) { o.attributes[2] = 9; }},
      {"channels is 2 with 4 rows; expected 1", [](OpCase& o) { o.attributes[3] = 2; }},
      {"channels is 3 with 4 rows; expected a divisor", [](OpCase& o) { o.attributes[0] = 3, o.attributes[3] = 3; }},
      {"the sums are f32[5]; expected 6 elements", [](OpCase& o) { o.out[0] = f32({5}); }},
      {"the tensor of sums is f64[6]; expected f32", [](OpCase& o) { o.out[0] = f64({6}); }},
      {"the sums overlap operand 1", [](OpCase& o) { o.alias = {1, -1}; }},
      {"output 0 is f32[23]; expected 24 elements", [](OpCase& o) { o.out[1] = f32({23}); }},
      {"the program ends after", [](OpCase& o) { o.attributes.push_back(1); }},
      {"attributes", [](OpCase& o) { o.attributes.resize(3); }},
  };
  for (const Case& bad : cases) {
    CAPTURE(std::string(bad.message));
    OpCase op = good;
    bad.spoil(op);
    const Rejection r = try_op(op, "reference");
    CHECK_EQ(r.status, KT_INVALID_ARGUMENT);
    INFO(r.message);
    CHECK_NE(r.message.find(bad.message), std::string::npos);
  }
}
