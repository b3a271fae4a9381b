// row_penalty, layer_norm, layer_norm_grad and gradient_norms.
#include <doctest/doctest.h>

#include <cmath>

#include "support.h"

using namespace kantor;
using namespace kantor::test;

namespace {

struct Shape {
  int64_t rows, cols;
};
constexpr Shape kShapes[] = {{1, 1},    {1, 7},    {3, 1},   {2, 16},  {5, 63},    {4, 64},    {64, 100}, {17, 129},
                             {64, 784}, {3, 2048}, {2, 2049}, {2, 9001}, {130, 512}, {1000, 33}, {9001, 3}};

// Near the centre the excess is the difference of almost equal numbers.
constexpr double kPenaltyTolerance = 1e-3;

OpCase row_penalty(const Value& g, float weight, float center, bool one_sided) {
  Value like(g.dtype, g.dims);
  return {"row_penalty", {g}, {Value(g.dtype, {1}), like, Value(g.dtype, {g.dims[0]})},
          {bits(weight), bits(center), one_sided}};
}
OpCase layer_norm(const Value& x, const Value& gamma, const Value& beta, float eps = 1e-5f) {
  Value rows(x.dtype, {x.dims[0]});
  return {"layer_norm", {x, gamma, beta}, {Value(x.dtype, x.dims), rows, rows}, {bits(eps)}};
}
OpCase layer_norm_grad(const Value& dy, const Value& x, const Value& gamma, const Value& mean, const Value& rstd) {
  Value cols(x.dtype, {x.dims[1]});
  return {"layer_norm_grad", {dy, x, gamma, mean, rstd}, {Value(x.dtype, x.dims), cols, cols}, {}};
}
OpCase gradient_norms(const std::vector<Value>& tensors, const std::vector<double>& fault = {0, 0, 0, 0}) {
  OpCase c{"gradient_norms", {i64({1}, {77})}, {f32({std::ssize(tensors) + 1}), i64({4}, fault)}, {100}};
  c.in.insert(c.in.end(), tensors.begin(), tensors.end());
  return c;
}
void check_fault(const OpCase& c, const std::vector<double>& want) {
  check_op(c, 1e-5);
  for (const char* device : {"reference", "cpu"}) {
    Value fault = run_op(c, device, 2)[1];
    for (int64_t i = 0; i < 4; ++i) CHECK_EQ(fault.get(i), want[static_cast<size_t>(i)]);
  }
}
void rejected(const OpCase& c, const char* text) {
  Rejection r = try_op(c);
  CHECK_EQ(r.status, KT_INVALID_ARGUMENT);
  CAPTURE(r.message);
  CHECK_NE(r.message.find(text), std::string::npos);
}

}  // namespace

TEST_CASE("row_penalty follows the reference") {
  for (const Shape& s : kShapes)
    for (bool one_sided : {false, true}) {
      CAPTURE(s.rows);
      CAPTURE(s.cols);
      // Norms around the centre, so that one-sided rows fall on both sides.
      double bound = std::sqrt(3.0 / static_cast<double>(s.cols));
      Value g = random(DType::f32, {s.rows, s.cols}, 1, -bound, bound);
      for (int64_t c = 0; c < s.cols; ++c) g.set(c, 0);
      check_op(row_penalty(g, 10, 0.97f, one_sided), kPenaltyTolerance);
      OpCase in_place = row_penalty(g, 10, 0.97f, one_sided);
      in_place.alias = {-1, 0, -1};
      check_op(in_place, kPenaltyTolerance);
    }
}

TEST_CASE("row_penalty by hand, with a row of norm zero") {
  Value g = f32({3, 2}, {3, 4, 0, 0, 0.3, 0.4});
  for (const char* device : {"reference", "cpu"}) {
    std::vector<Value> two = run_op(row_penalty(g, 6, 1, false), device, 1);
    CHECK_EQ(two[0].get(0), doctest::Approx(2 * (16 + 1 + 0.25)));
    const double gradient[] = {4 * 4. / 5 * 3, 4 * 4. / 5 * 4, 0, 0, 4 * -0.5 / 0.5 * 0.3, 4 * -0.5 / 0.5 * 0.4};
    for (int64_t i = 0; i < 6; ++i) CHECK_EQ(two[1].get(i), doctest::Approx(gradient[i]));
    CHECK_EQ(two[2].get(0), 5);
    CHECK_EQ(two[2].get(1), 0);
    std::vector<Value> one = run_op(row_penalty(g, 6, 1, true), device, 1);
    CHECK_EQ(one[0].get(0), 32);
    CHECK_EQ(one[1].get(4), 0);
  }
}

TEST_CASE("row_penalty's gradient is the derivative of its value") {
  for (bool one_sided : {false, true}) {
    Value g = random(DType::f64, {4, 5}, 3);
    Value gradient = run_op(row_penalty(g, 10, 1.1f, one_sided), "reference", 1)[1];
    for (int64_t i = 0; i < g.count(); ++i) {
      auto at = [&](double h) {
        Value moved = g;
        moved.set(i, g.get(i) + h);
        return run_op(row_penalty(moved, 10, 1.1f, one_sided), "reference", 1)[0].get(0);
      };
      CHECK_LE(std::abs((at(1e-5) - at(-1e-5)) / 2e-5 - gradient.get(i)), 1e-7);
    }
  }
}

TEST_CASE("row_penalty keeps large and non-finite rows apart") {
  Value g = random({4, 50}, 1);
  g.set(3, 1e25);    // its square is no float
  g.set(60, NAN);
  g.set(110, INFINITY);
  check_op(row_penalty(g, 1, 1, false), kPenaltyTolerance);
  std::vector<Value> out = run_op(row_penalty(g, 1, 1, false), "cpu", 1);
  CHECK_EQ(out[2].get(0), doctest::Approx(1e25));
  CHECK(std::isnan(out[2].get(1)));
  CHECK(std::isfinite(out[2].get(3)));
}

TEST_CASE("layer_norm follows the reference") {
  for (const Shape& s : kShapes) {
    CAPTURE(s.rows);
    CAPTURE(s.cols);
    Value x = random(DType::f32, {s.rows, s.cols}, 1, -1, 4);
    OpCase c = layer_norm(x, random({s.cols}, 2), random({s.cols}, 3));
    check_op(c, 1e-3);
    c.alias = {0, -1, -1};
    check_op(c, 1e-3);
  }
}

TEST_CASE("layer_norm gives rows of mean 0 and variance 1, far from zero too") {
  Value x = random(DType::f32, {3, 1000}, 1, 1000, 1001), ones(DType::f32, {1000});
  for (int64_t i = 0; i < 1000; ++i) ones.set(i, 1);
  Value y = run_op(layer_norm(x, ones, f32({1000}), 0), "cpu", 1)[0];
  for (int64_t r = 0; r < 3; ++r) {
    double mean = 0, variance = 0;
    for (int64_t c = 0; c < 1000; ++c) mean += y.get(r * 1000 + c) / 1000;
    for (int64_t c = 0; c < 1000; ++c) variance += y.get(r * 1000 + c) * y.get(r * 1000 + c) / 1000;
    CHECK_LE(std::abs(mean), 2e-4);  // the float nearest the mean, 1000.5, is up to 3e-5 off; the deviation is 0.29
    CHECK_LE(std::abs(variance - 1), 1e-4);
  }
}

TEST_CASE("layer_norm_grad follows the reference") {
  for (const Shape& s : kShapes) {
    CAPTURE(s.rows);
    CAPTURE(s.cols);
    Value x = random({s.rows, s.cols}, 1), gamma = random({s.cols}, 2);
    std::vector<Value> forward = run_op(layer_norm(x, gamma, f32({s.cols}), 1e-2f), "reference", 1);
    OpCase c = layer_norm_grad(random({s.rows, s.cols}, 4), x, gamma, forward[1], forward[2]);
    check_op(c, 2e-3);
    c.alias = {0, -1, -1};
    check_op(c, 2e-3);
  }
}

TEST_CASE("layer_norm_grad is the derivative of layer_norm") {
  const Value x = random(DType::f64, {3, 6}, 1), gamma = random(DType::f64, {6}, 2), beta = random(DType::f64, {6}, 3);
  const Value dy = random(DType::f64, {3, 6}, 4);
  std::vector<Value> forward = run_op(layer_norm(x, gamma, beta), "reference", 1);
  std::vector<Value> gradients = run_op(layer_norm_grad(dy, x, gamma, forward[1], forward[2]), "reference", 1);
  Value inputs[] = {x, gamma, beta};
  for (size_t k = 0; k < 3; ++k)
    for (int64_t i = 0; i < inputs[k].count(); ++i) {
      auto at = [&](double h) {
        double old = inputs[k].get(i), sum = 0;
        inputs[k].set(i, old + h);
        Value y = run_op(layer_norm(inputs[0], inputs[1], inputs[2]), "reference", 1)[0];
        inputs[k].set(i, old);
        for (int64_t e = 0; e < y.count(); ++e) sum += dy.get(e) * y.get(e);
        return sum;
      };
      CHECK_LE(std::abs((at(1e-5) - at(-1e-5)) / 2e-5 - gradients[k].get(i)), 1e-7);
    }
}

TEST_CASE("gradient_norms follows the reference, whatever the sizes") {
  std::vector<Value> many;
  for (uint64_t i = 0; i < 90; ++i) many.push_back(random({static_cast<int64_t>(1 + i * 29 % 83)}, i));
  const std::vector<Value> tables[] = {
      {random({1}, 1)},
      {random({8192}, 1)},
      {random({8193}, 1), random({3}, 2)},
      {random({2, 3}, 1), random({50000}, 2), random({1}, 3), random({784, 256}, 4), random({17}, 5)},
      many};
  for (const std::vector<Value>& tensors : tables) check_fault(gradient_norms(tensors), {0, 0, 0, 0});
}

TEST_CASE("any non-finite element raises the fault; the first tensor is named and an old fault kept") {
  auto tensors = [] { return std::vector<Value>{random({5}, 1), random({8195}, 2), random({33}, 3)}; };
  for (double poison : {static_cast<double>(NAN), static_cast<double>(INFINITY), -static_cast<double>(INFINITY)})
    for (size_t k = 0; k < 3; ++k)
      for (int64_t at : {int64_t{0}, tensors()[k].count() / 2, tensors()[k].count() - 1}) {
        std::vector<Value> t = tensors();
        t[k].set(at, poison);
        check_fault(gradient_norms(t), {1, 100 + static_cast<double>(k), 77, 0});
        check_fault(gradient_norms(t, {1, 3, 2, 0}), {1, 3, 2, 0});
      }
  std::vector<Value> two = tensors();
  two[2].set(0, NAN);
  two[1].set(8194, INFINITY);
  check_fault(gradient_norms(two), {1, 101, 77, 0});
}

TEST_CASE("every position of a vector is guarded") {
  for (int64_t at = 0; at < 150; ++at) {
    Value t = random({150}, 1);
    t.set(at, at % 2 ? NAN : INFINITY);
    OpCase c = gradient_norms({t});
    for (const std::string& device : tested_devices()) CHECK_EQ(run_op(c, device, 1)[1].get(0), 1);
  }
}

TEST_CASE("large finite values are no fault") {
  Value t = random({10000}, 1);
  t.set(9000, 3e38);
  check_fault(gradient_norms({t}), {0, 0, 0, 0});
  CHECK_EQ(run_op(gradient_norms({t}), "cpu", 1)[0].get(0), doctest::Approx(3e38));
}

TEST_CASE("norm ops say what does not fit") {
  Value g = f32({3, 4});
  OpCase c = row_penalty(g, 1, 1, false);
  c.out[1] = f32({4, 3});
  rejected(c, "expected [3, 4]");
  c = row_penalty(g, NAN, 1, false);
  rejected(c, "finite");
  c = row_penalty(g, 1, 1, false);
  c.attributes[2] = 2;
  rejected(c, "one_sided");
  c = row_penalty(f32({3}), 1, 1, false);
  rejected(c, "[rows, columns]");
  rejected(layer_norm(g, f32({5}), f32({4})), "gamma");
  rejected(layer_norm(g, f32({4}), f32({4}), -1), "eps");
  c = layer_norm(f32({4, 4}), f32({4}), f32({4}));
  c.alias = {-1, 1, -1};
  rejected(c, "share memory");
  c = layer_norm_grad(g, g, f32({4}), f32({3}), f32({3}));
  c.out[2] = f32({3});
  rejected(c, "dbeta");
  c.out[2] = f32({4});
  c.alias = {1, -1, -1};
  rejected(c, "share memory");
  c = gradient_norms({f32({3})});
  c.out[0] = f32({3});
  rejected(c, "norms");
  c = gradient_norms({f32({3}), i32({2})});
  rejected(c, "i32");
}
