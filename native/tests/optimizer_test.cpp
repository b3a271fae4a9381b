#include <doctest/doctest.h>

#include <cmath>

#include "ops/optimizer/optimizer.h"
#include "ops/rate_schedule/rate_schedule.h"
#include "support.h"

using namespace kantor;
using namespace kantor::test;

namespace {

struct Hyper {
  double lr = 1e-3, b1 = 0.5, b2 = 0.999, epsilon = 1e-8, decay = 0, clip = 0, ema = 0;
};

int states(OptimizerKind kind, bool ema) { return (kind == OptimizerKind::adam ? 3 : 2) + ema; }

// Tensors of the given sizes with random gradients and parameters; moments as after some updates, or zero.
OpCase optimizer(OptimizerKind kind, bool ema, const std::vector<int64_t>& sizes, const std::vector<int64_t>& flags,
                 const Hyper& h, double step = 0, DType dtype = DType::f32) {
  OpCase c{"optimizer", {Value(dtype, {8})}, {i64({1}, {step})}, {static_cast<int64_t>(kind), std::ssize(sizes), ema}};
  const double hyper[] = {h.lr, h.b1, h.b2, h.epsilon, h.decay, h.clip, h.ema};
  for (int i = 0; i < 7; ++i) c.in[0].set(i, hyper[i]);
  uint64_t seed = 1;
  for (size_t k = 0; k < sizes.size(); ++k) {
    c.in.push_back(random(dtype, {sizes[k]}, seed++));
    c.out.push_back(random(dtype, {sizes[k]}, seed++));
    for (int state = 1; state < states(kind, ema); ++state)
      c.out.push_back(step == 0 ? Value(dtype, {sizes[k]}) : random(dtype, {sizes[k]}, seed++, 0.01, 1));
    c.attributes.push_back(flags[k % flags.size()]);
  }
  return c;
}

constexpr OptimizerKind kKinds[] = {OptimizerKind::adam, OptimizerKind::rmsprop, OptimizerKind::sgd};
// Of the element or a thousandth of the largest one: 1e-7 of the largest where an update cancels the parameter.
constexpr double kTolerance = 1e-4;
const Hyper kAll{1e-2, 0.9, 0.999, 1e-8, 0.05, 0.3, 0.99};

}  // namespace

TEST_CASE("every kind, with and without EMA, decay and clipping, follows the reference") {
  for (OptimizerKind kind : kKinds)
    for (bool ema : {false, true})
      for (int64_t flags : {0, 1, 2, 3})
        for (double step : {0., 1000.}) {
          CAPTURE(static_cast<int>(kind));
          CAPTURE(flags);
          check_op(optimizer(kind, ema, {1, 17, 300}, {flags}, kAll, step), kTolerance, 5);
        }
}

TEST_CASE("tensors of every size share the tasks") {
  std::vector<int64_t> small(120);
  for (size_t i = 0; i < small.size(); ++i) small[i] = static_cast<int64_t>(1 + i * 37 % 101);
  const std::vector<int64_t> tables[] = {{8191}, {8192}, {8193}, {3, 20000, 1, 8192, 100003, 7}, small};
  for (const std::vector<int64_t>& sizes : tables)
    for (OptimizerKind kind : kKinds) check_op(optimizer(kind, true, sizes, {0, 3, 1, 2}, kAll, 3), kTolerance, 2);
}

TEST_CASE("the first Adam update is lr * g / (|g| + eps)") {
  Hyper h{.lr = 0.25, .epsilon = 1e-3};
  OpCase c = optimizer(OptimizerKind::adam, false, {100}, {0}, h);
  for (const char* device : {"reference", "cpu"}) {
    std::vector<Value> after = run_op(c, device, 1);
    CHECK_EQ(after[0].get(0), 1);
    for (int64_t i = 0; i < 100; ++i) {
      double g = c.in[1].get(i), want = c.out[1].get(i) - 0.25 * g / (std::abs(g) + 1e-3);
      CHECK_LE(std::abs(after[1].get(i) - want), 1e-6);
      CHECK_LE(std::abs(after[2].get(i) - 0.5 * g), 1e-6);
      CHECK_LE(std::abs(after[3].get(i) - 0.001 * g * g), 1e-7);
    }
  }
}

TEST_CASE("float32 Adam follows float64 over a hundred updates") {
  Hyper h{.lr = 1e-3, .b1 = 0.5, .b2 = 0.875};
  OpCase single = optimizer(OptimizerKind::adam, false, {1000}, {0}, h);
  OpCase wide = optimizer(OptimizerKind::adam, false, {1000}, {0}, h, 0, DType::f64);
  for (size_t k = 0; k < wide.in.size(); ++k)
    for (int64_t i = 0; i < wide.in[k].count(); ++i) wide.in[k].set(i, single.in[k].get(i));
  for (int64_t i = 0; i < 1000; ++i) wide.out[1].set(i, single.out[1].get(i));
  Value got = run_op(single, "cpu", 1, 100)[1], want = run_op(wide, "reference", 1, 100)[1];
  // The gradient is constant, so a hundred roundings of the parameter (half a unit, 6e-8, near 1) may all go one way.
  for (int64_t i = 0; i < 1000; ++i) CHECK_LE(std::abs(got.get(i) - want.get(i)), 6e-6);
}

TEST_CASE("RMSProp, momentum, decay, clipping and EMA by hand") {
  auto run = [](OptimizerKind kind, int64_t flags, const Hyper& h) {
    OpCase c = optimizer(kind, true, {1}, {flags}, h, 4);
    c.in[1].set(0, 2);
    c.out[1].set(0, 1);   // the parameter
    c.out[2].set(0, 4);   // its one moment
    c.out[3].set(0, 10);  // its EMA
    return run_op(c, "cpu", 1);
  };
  Hyper h{.lr = 0.5, .b1 = 0.75, .epsilon = 0, .decay = 0.5, .clip = 0.25, .ema = 0.5};
  std::vector<Value> sgd = run(OptimizerKind::sgd, 0, h);
  CHECK_EQ(sgd[0].get(0), 5);
  CHECK_EQ(sgd[2].get(0), 5);        // 0.75 * 4 + 2
  CHECK_EQ(sgd[1].get(0), -1.5);     // 1 - 0.5 * 5
  CHECK_EQ(sgd[3].get(0), 4.25);     // half of 10 and half of -1.5
  CHECK_EQ(run(OptimizerKind::sgd, 2, h)[1].get(0), -1.75);  // 0.75 * 1 - 2.5
  CHECK_EQ(run(OptimizerKind::sgd, 1, h)[1].get(0), -0.25);
  CHECK_EQ(run(OptimizerKind::sgd, 3, h)[3].get(0), 4.875);  // of the clipped parameter
  std::vector<Value> rmsprop = run(OptimizerKind::rmsprop, 0, h);
  CHECK_EQ(rmsprop[2].get(0), 4);    // 0.75 * 4 + 0.25 * 4
  CHECK_EQ(rmsprop[1].get(0), 0.5);  // 1 - 0.5 * 2 / 2
}

TEST_CASE("a NaN gradient is not hidden by clipping") {
  for (OptimizerKind kind : kKinds) {
    OpCase c = optimizer(kind, false, {40}, {1}, kAll);
    c.in[1].set(13, NAN);
    check_op(c, kTolerance);
    CHECK(std::isnan(run_op(c, "cpu", 1)[1].get(13)));
  }
}

TEST_CASE("the optimizer says what does not fit") {
  auto rejected = [](const OpCase& c, const char* text) {
    Rejection r = try_op(c);
    CHECK_EQ(r.status, KT_INVALID_ARGUMENT);
    CAPTURE(r.message);
    CHECK_NE(r.message.find(text), std::string::npos);
  };
  OpCase good = optimizer(OptimizerKind::adam, false, {5, 6}, {0}, {}), c = good;
  CHECK_EQ(try_op(good).status, KT_OK);
  c.attributes[0] = 3;
  rejected(c, "kind is 3");
  c = good;
  c.attributes[1] = 3;
  rejected(c, "2 gradients are given");
  c = good;
  c.attributes[2] = 1;
  rejected(c, "outputs");
  c = good;
  c.attributes[4] = 4;
  rejected(c, "flags of tensor 1");
  c = good;
  c.out[5] = f32({7});
  rejected(c, "[7] but the gradient is f32[6]");
  c = good;
  c.in[0] = f32({7});
  rejected(c, "hyper");
  c = good;
  c.out[0] = i64({2});
  rejected(c, "step");
  c = good;
  c.alias = {-1, 1};
  rejected(c, "share memory");
}

TEST_CASE("rate_schedule follows the reference, falls as it says and lets an EMA begin short") {
  auto scheduled = [](RateSchedule kind, int64_t counter, double epochs, double end) {
    return OpCase{"rate_schedule",
                  {random(DType::f32, {8}, 3, 0.1, 1), i64({1}, {static_cast<double>(counter)}), f32({2}, {epochs, end})},
                  {f32({8})},
                  {static_cast<int64_t>(kind), 10}};
  };
  auto factor = [&](RateSchedule kind, int64_t counter, double epochs, double end) {
    OpCase c = scheduled(kind, counter, epochs, end);
    check_op(c, 1e-6);
    Value hyper = run_op(c, "cpu", 1)[0];
    const double most = (1.0 + static_cast<double>(counter)) / (10.0 + static_cast<double>(counter));
    for (int64_t i = 1; i < 8; ++i)
      CHECK_EQ(hyper.get(i), doctest::Approx(i == 6 ? std::min(c.in[0].get(i), most) : c.in[0].get(i)));
    return hyper.get(0) / c.in[0].get(0);
  };
  using enum RateSchedule;
  for (RateSchedule kind : {linear, cosine}) {
    CHECK_EQ(factor(kind, 0, 4, 0.25), doctest::Approx(1));
    CHECK_EQ(factor(kind, 20, 4, 0.25), doctest::Approx(0.625));  // half of the way down
    CHECK_EQ(factor(kind, 40, 4, 0.25), doctest::Approx(0.25));
    CHECK_EQ(factor(kind, 4000, 4, 0.25), doctest::Approx(0.25));
    CHECK_EQ(factor(kind, 0, 0, 0.25), doctest::Approx(0.25));
    CHECK_EQ(factor(kind, 40, 4, 0), 0);
  }
  CHECK_EQ(factor(linear, 10, 4, 0), doctest::Approx(0.75));
  CHECK_EQ(factor(cosine, 10, 4, 0), doctest::Approx((1 + std::sqrt(0.5)) / 2));
  CHECK_EQ(factor(linear, 1, 0.5, 0), doctest::Approx(0.8));

  auto rejected = [](const OpCase& c, const char* text) {
    Rejection r = try_op(c);
    CHECK_EQ(r.status, KT_INVALID_ARGUMENT);
    CAPTURE(r.message);
    CHECK_NE(r.message.find(text), std::string::npos);
  };
  OpCase good = scheduled(cosine, 1, 2, 0), c = good;
  c.attributes[0] = 2;
  rejected(c, "kind of schedule 2");
  c = good;
  c.attributes[1] = 0;
  rejected(c, "at least 1");
  c = good;
  c.in[1] = i64({2});
  rejected(c, "the counter");
  c = good;
  c.in[0] = f32({7});
  rejected(c, "the hyper-parameters");
}
