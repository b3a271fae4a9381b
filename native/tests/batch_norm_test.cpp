// batch_norm and batch_norm_grad.
#include <doctest/doctest.h>

#include <cmath>

#include "pointwise_program.h"

using namespace kantor;
using namespace kantor::test;

namespace {

// [N, C] and [N, C, H, W]: 1-wide and odd ones, those of training (with few samples), and each way the blocks are cut:
// strips of channels, several samples a block, pieces of a plane, a single channel.
const std::vector<int64_t> kShapes[] = {
    {2, 1},         {5, 3},          {1, 7},          {64, 100},       {300, 70},      {1000, 1},      {520, 17},
    {2, 1, 1, 1},   {3, 5, 1, 1},    {3, 2, 1, 2},    {2, 3, 5, 3},    {7, 2, 3, 7},   {1, 1, 4, 4},   {20, 16, 14, 14},
    {13, 32, 7, 7}, {2, 70, 13, 11}, {2, 64, 56, 56}, {1, 33, 56, 56}, {3, 1, 56, 56}, {1, 2, 97, 101}, {300, 2, 2, 2}};

std::string text(const std::vector<int64_t>& dims) { return Value(DType::f32, dims).tensor().describe(); }
int64_t plane(const std::vector<int64_t>& dims) { return dims.size() == 4 ? dims[2] * dims[3] : 1; }

// An epilogue: what its operands are, how many stores it has.
struct Epilogue {
  const char* name;
  bool channel, full, in_place;  // operand 0: one value a channel; the next: a full tensor, the memory of output 0
  int stores;
  std::vector<PwInstruction> code;
};
const Epilogue kEpilogues[] = {
    {"none", false, false, false, 1, {}},
    {"leaky relu",
     false, false, false, 1,
     {{Pw::accumulator, 0, 0, 0, 0}, {Pw::leaky_relu, 1, 0, 0, 0.25f}, {Pw::store, 0, 1, 0, 0}}},
    {"y and relu",
     false, false, false, 2,
     {{Pw::accumulator, 0, 0, 0, 0}, {Pw::store, 0, 0, 1, 0}, {Pw::relu, 1, 0, 0, 0}, {Pw::store, 0, 1, 0, 0}}},
    {"a sum in place",
     false, true, true, 1,
     {{Pw::accumulator, 0, 0, 0, 0}, {Pw::input, 1, 0, 0, 0}, {Pw::add, 0, 0, 1, 0}, {Pw::store, 0, 0, 0, 0}}},
    {"a factor a channel, and a mask",
     true, true, false, 1,
     {{Pw::accumulator, 0, 0, 0, 0},
      {Pw::input, 1, 0, 0, 0},
      {Pw::mul, 0, 0, 1, 0},
      {Pw::input, 2, 1, 0, 0},
      {Pw::leaky_mask, 2, 2, 0, 0.5f},
      {Pw::mul, 0, 0, 2, 0},
      {Pw::store, 0, 0, 0, 0}}},
};

OpCase batch_norm(const Value& x, const Value& gamma, const Value& beta, float eps = 1e-5f,
                  const Epilogue& e = kEpilogues[0]) {
  const int64_t channels = x.dims[1], rows = x.dims[0] * channels, cols = plane(x.dims);
  const Value of_channels(x.dtype, {channels});
  OpCase c{"batch_norm", {x, gamma, beta}, {of_channels, of_channels, of_channels}, {}};
  PwText program{rows, cols, {}, e.stores, e.code};
  c.alias.assign(3 + static_cast<size_t>(e.stores), -1);
  if (e.channel) {
    program.operands.push_back({channels, 1, 0});
    c.in.push_back(random(x.dtype, {channels}, 11));
  }
  if (e.full) {
    program.operands.push_back({rows, cols, 1});
    c.in.push_back(random(x.dtype, x.dims, 12));
    if (e.in_place) c.alias[3] = static_cast<int>(c.in.size()) - 1;
  }
  for (int store = 0; store < e.stores; ++store) c.out.push_back(Value(x.dtype, x.dims));
  c.attributes = program.attributes({bits(eps)});
  return c;
}
OpCase batch_norm_grad(const Value& dy, const Value& x, const Value& gamma, const Value& mean, const Value& rstd) {
  const Value of_channels(x.dtype, {x.dims[1]});
  return {"batch_norm_grad", {dy, x, gamma, mean, rstd}, {Value(x.dtype, x.dims), of_channels, of_channels}, {}};
}
Value of_channels(const Value& x, uint64_t seed) { return random(x.dtype, {x.dims[1]}, seed); }

void rejected(const OpCase& c, const char* text) {
  Rejection r = try_op(c);
  CHECK_EQ(r.status, KT_INVALID_ARGUMENT);
  CAPTURE(r.message);
  CHECK_NE(r.message.find(text), std::string::npos);
}

}  // namespace

TEST_CASE("batch_norm follows the reference, whatever comes after it") {
  for (const std::vector<int64_t>& dims : kShapes)
    for (const Epilogue& e : kEpilogues) {
      Value x = random(DType::f32, dims, 1, -1, 4);
      if (x.count() > 50000 && &e != &kEpilogues[0] && &e != &kEpilogues[1]) continue;
      CAPTURE(text(dims));
      CAPTURE(e.name);
      check_op(batch_norm(x, of_channels(x, 2), of_channels(x, 3), 1e-5f, e), 5e-4);
    }
}

TEST_CASE("batch_norm keeps its digits far from zero") {
  for (const std::vector<int64_t>& dims : {std::vector<int64_t>{500, 3}, {4, 2, 50, 50}, {9, 1, 30, 31}}) {
    CAPTURE(text(dims));
    Value x = random(DType::f32, dims, 1, 1000, 1001);
    OpCase c = batch_norm(x, f32({dims[1]}, std::vector<double>(static_cast<size_t>(dims[1]), 1)), f32({dims[1]}), 0);
    check_op(c, 5e-4);
    std::vector<Value> out = run_op(c, "cpu", 1);
    const int64_t hw = plane(dims);
    double mean = 0, square = 0, count = static_cast<double>(dims[0] * hw);  // of channel 0
    for (int64_t i = 0; i < x.count(); ++i) {
      if (i / hw % dims[1] != 0) continue;
      mean += out[3].get(i) / count;
      square += out[3].get(i) * out[3].get(i) / count;
    }
    CHECK_LE(std::abs(mean), 1e-5);
    CHECK_LE(std::abs(square - 1), 1e-5);
  }
}

TEST_CASE("batch_stats measures what batch_norm does") {
  for (const std::vector<int64_t>& dims : kShapes) {
    CAPTURE(text(dims));
    const Value x = random(DType::f32, dims, 1, 1, 5), c(DType::f32, {dims[1]});
    const Value gamma = of_channels(x, 2), beta = of_channels(x, 3);
    const OpCase stats{"batch_stats", {x, gamma, beta}, {c, c, c, c, c}, {bits(1e-5f)}};
    check_op(stats, 5e-4);
    const std::vector<Value> alone = run_op(stats, "cpu", 1), within = run_op(batch_norm(x, gamma, beta), "cpu", 1);
    for (size_t i = 0; i < 3; ++i) CHECK(same_bits(alone[i], within[i]));
    Value y(DType::f32, dims);
    const int64_t hw = plane(dims);
    for (int64_t i = 0; i < x.count(); ++i)
      y.set(i, x.get(i) * alone[3].get(i / hw % dims[1]) + alone[4].get(i / hw % dims[1]));
    CHECK_LE(max_relative_error(y, within[3], 1), 1e-4);
  }
  const Value three = f32({3});
  OpCase bad{"batch_stats", {f32({2, 3}), three, three}, {three, three, three, three, three}, {bits(-1.0f)}};
  rejected(bad, "eps is -1; expected a finite number >= 0");
  bad.attributes = {bits(0.0f)};
  bad.out[1] = f32({2});
  rejected(bad, "rstd is f32[2]; expected [3]");
  bad.in[2] = f32({2});
  rejected(bad, "beta is f32[2]; expected [3]");
}

TEST_CASE("batch_norm by hand") {
  Value x = f32({2, 2, 1, 2}, {1, 3, 10, 10, 5, 7, 10, 10});
  for (const std::string& device : {std::string("reference"), std::string("cpu")}) {
    std::vector<Value> out = run_op(batch_norm(x, f32({2}, {2, 3}), f32({2}, {1, -4}), 4), device, 1);
    const double mean[] = {4, 10}, rstd[] = {1. / 3, 1. / 2}, variance[] = {5, 0};
    for (int64_t c = 0; c < 2; ++c) {
      CHECK_EQ(out[0].get(c), mean[c]);
      CHECK_EQ(out[1].get(c), doctest::Approx(rstd[c]));
      CHECK_EQ(out[2].get(c), variance[c]);
    }
    const double y[] = {-1, 1. / 3, -4, -4, 5. / 3, 3, -4, -4};
    for (int64_t i = 0; i < 8; ++i) CHECK_EQ(out[3].get(i), doctest::Approx(y[i]));
  }
}

TEST_CASE("a NaN or an infinity stays in its channel") {
  for (const std::vector<int64_t>& dims : {std::vector<int64_t>{40, 5}, {3, 5, 7, 7}})
    for (double poison : {static_cast<double>(NAN), static_cast<double>(INFINITY)}) {
      CAPTURE(text(dims));
      Value x = random(dims, 1);
      x.set(3 * plane(dims), poison);
      check_op(batch_norm(x, of_channels(x, 2), of_channels(x, 3)), 5e-4);
      std::vector<Value> forward =
          run_op(batch_norm(random(dims, 1), of_channels(x, 2), of_channels(x, 3)), "reference", 1);
      check_op(batch_norm_grad(x, random(dims, 4), of_channels(x, 2), forward[0], forward[1]), 2e-3);
    }
}

TEST_CASE("batch_norm_grad follows the reference") {
  for (const std::vector<int64_t>& dims : kShapes) {
    CAPTURE(text(dims));
    Value x = random(DType::f32, dims, 1, -1, 2), gamma = of_channels(x, 2);
    std::vector<Value> forward = run_op(batch_norm(x, gamma, of_channels(x, 3), 1e-2f), "reference", 1);
    OpCase c = batch_norm_grad(random(dims, 4), x, gamma, forward[0], forward[1]);
    check_op(c, 2e-3);
    c.alias = {0, -1, -1};
    check_op(c, 2e-3);
  }
}

TEST_CASE("batch_norm_grad is the derivative of batch_norm") {
  for (const std::vector<int64_t>& dims : {std::vector<int64_t>{6, 3}, {3, 2, 2, 3}, {5, 1}, {2, 1, 3, 3}}) {
    CAPTURE(text(dims));
    Value x = random(DType::f64, dims, 1), dy = random(DType::f64, dims, 2);
    Value inputs[] = {x, of_channels(x, 3), of_channels(x, 4)};
    std::vector<Value> forward = run_op(batch_norm(inputs[0], inputs[1], inputs[2]), "reference", 1);
    std::vector<Value> gradients =
        run_op(batch_norm_grad(dy, x, inputs[1], forward[0], forward[1]), "reference", 1);
    for (size_t k = 0; k < 3; ++k)
      for (int64_t i = 0; i < inputs[k].count(); ++i) {
        auto at = [&](double h) {
          const double old = inputs[k].get(i);
          double sum = 0;
          inputs[k].set(i, old + h);
          Value y = run_op(batch_norm(inputs[0], inputs[1], inputs[2]), "reference", 1)[3];
          inputs[k].set(i, old);
          for (int64_t e = 0; e < y.count(); ++e) sum += dy.get(e) * y.get(e);
          return sum;
        };
        CHECK_LE(std::abs((at(1e-5) - at(-1e-5)) / 2e-5 - gradients[k].get(i)), 1e-7);
      }
  }
}

TEST_CASE("batch norm ops say what does not fit") {
  Value x = f32({2, 3, 4, 5}), c3 = f32({3}), c4 = f32({4});
  rejected(batch_norm(x, c4, c3), "gamma");
  rejected(batch_norm(x, c3, c4), "beta");
  rejected(batch_norm(x, c3, c3, -1), "eps is -1");
  OpCase c = batch_norm(x, c3, c3);
  c.in[0] = f32({2, 3, 20});
  rejected(c, "expected [N, C] or [N, C, H, W]");
  c = batch_norm(x, c3, c3);
  c.attributes[1] = 12;
  c.attributes[2] = 10;
  rejected(c, "the epilogue is over [12, 10] but x is f32[2, 3, 4, 5]; expected [6, 20]");
  c = batch_norm(x, c3, c3);
  c.attributes.push_back(1);
  rejected(c, "1 attributes follow the epilogue");
  c = batch_norm(x, c3, c3);
  c.out[2] = c4;
  rejected(c, "var");
  c = batch_norm(x, c3, c3);
  c.alias[3] = 0;
  rejected(c, "share memory");
  c = batch_norm(x, c3, c3);
  c.alias[1] = 2;
  rejected(c, "share memory");
  c = batch_norm_grad(x, x, c3, c3, c3);
  c.in[0] = f32({2, 3, 5, 4});
  rejected(c, "dy");
  c = batch_norm_grad(x, x, c3, c3, c4);
  rejected(c, "rstd");
  c = batch_norm_grad(x, x, c3, c3, c3);
  c.alias = {1, -1, -1};
  rejected(c, "share memory");
  c = batch_norm_grad(x, f32({2, 3, 20}), c3, c3, c3);
  rejected(c, "expected [N, C] or [N, C, H, W]");
}
