// log_sum_exp and one_hot.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "support.h"

using namespace kantor;
using namespace kantor::test;

namespace {

OpCase log_sum_exp(const Value& x) { return {"log_sum_exp", {x}, {Value(x.dtype, {x.dims[0], 1})}, {}}; }
OpCase one_hot(const std::vector<double>& labels, int64_t classes, DType dtype = DType::f32) {
  const int64_t rows = std::ssize(labels);
  return {"one_hot", {i32({rows}, labels)}, {random(dtype, {rows, classes}, 1)}, {}};
}
void rejected(const OpCase& c, const char* text) {
  Rejection r = try_op(c);
  CHECK_EQ(r.status, KT_INVALID_ARGUMENT);
  CAPTURE(r.message);
  CHECK_NE(r.message.find(text), std::string::npos);
}

}  // namespace

TEST_CASE("log_sum_exp follows the reference") {
  for (int64_t rows : {1, 3, 16, 17, 64})
    for (int64_t cols : {1, 2, 4, 7, 8, 10, 15, 16, 17, 33, 1000}) {
      CAPTURE(rows);
      CAPTURE(cols);
      check_op(log_sum_exp(random(DType::f32, {rows, cols}, 1, -9, 9)), 1e-5);
      check_op(log_sum_exp(random(DType::f32, {rows, cols}, 2, 900, 1000)), 1e-6);
      check_op(log_sum_exp(random(DType::f32, {rows, cols}, 3, -3e38, 3e38)), 1e-6);
    }
  check_op(log_sum_exp(random(DType::f32, {1000, 10}, 4, -9, 9)), 1e-5);
}

TEST_CASE("log_sum_exp of rows that are not finite") {
  const double inf = INFINITY, nan = NAN;
  for (int64_t cols : {3, 40}) {
    Value x(DType::f32, {6, cols});
    const double rows[6][3] = {{-inf, -inf, -inf}, {-inf, 2, -inf}, {inf, 1, 0},
                               {inf, -inf, inf},   {nan, 1, 2},      {1, 2, 3}};
    for (int64_t r = 0; r < 6; ++r)
      for (int64_t c = 0; c < cols; ++c) x.set(r * cols + c, c < 3 ? rows[r][c] : r < 2 ? -inf : -100);
    check_op(log_sum_exp(x), 1e-6);
    for (const std::string& device : {std::string("reference"), std::string("cpu")}) {
      Value out = run_op(log_sum_exp(x), device, 1)[0];
      const double want[] = {-inf, 2, inf, inf};
      for (int64_t r = 0; r < 4; ++r) CHECK_EQ(out.get(r), want[r]);
      CHECK(std::isnan(out.get(4)));
      CHECK_EQ(out.get(5), doctest::Approx(3.4076059644));
    }
  }
}

TEST_CASE("one_hot follows the reference; a label outside gives zeros") {
  const double low = std::numeric_limits<int32_t>::min(), high = std::numeric_limits<int32_t>::max();
  for (int64_t classes : {1, 3, 10, 17, 20000}) {
    CAPTURE(classes);
    const double last = static_cast<double>(classes - 1);
    OpCase c = one_hot({0, last, -1, last + 1, low, high, 0, last / 2}, classes);
    c.in[0].set(7, std::floor(last / 2));
    check_op(c, 0);
    Value out = run_op(c, "cpu", 2)[0];
    double sums[8] = {};
    for (int64_t i = 0; i < out.count(); ++i) sums[i / classes] += out.get(i);
    const double want[] = {1, 1, 0, 0, 0, 0, 1, 1};
    for (int64_t r = 0; r < 8; ++r) CHECK_EQ(sums[r], want[r]);
    CHECK_EQ(out.get(classes + classes - 1), 1);
  }
  std::vector<double> many;
  for (int i = 0; i < 5000; ++i) many.push_back(i * 7 % 11 - 1);
  check_op(one_hot(many, 9), 0);
  CHECK_EQ(run_op(one_hot({2, 0}, 3, DType::f64), "reference", 1)[0].get(2), 1);
}

TEST_CASE("the classifier's ops say what does not fit") {
  rejected({"log_sum_exp", {f32({3, 4})}, {f32({3})}, {}}, "expected [3, 1]");
  rejected({"log_sum_exp", {f32({3})}, {f32({3, 1})}, {}}, "[rows, columns]");
  rejected({"log_sum_exp", {f32({3, 4})}, {f32({3, 1})}, {1}}, "1 attributes given, expected 0");
  OpCase c = log_sum_exp(f32({3, 1}));
  c.alias = {0};
  rejected(c, "share memory");
  rejected({"one_hot", {f32({3})}, {f32({3, 4})}, {}}, "labels");
  rejected({"one_hot", {i32({3, 1})}, {f32({3, 4})}, {}}, "expected [rows]");
  rejected({"one_hot", {i32({3})}, {f32({4, 3})}, {}}, "expected [3, 3]");
  rejected({"one_hot", {i32({3})}, {i32({3, 4})}, {}}, "i32");
}
