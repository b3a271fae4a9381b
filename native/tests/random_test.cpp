// Random numbers: Philox, normal, uniform, batch_indices.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "ops/batch_indices/permute.h"
#include "ops/normal/box_muller.h"
#include "ops/philox.h"
#include "support.h"

using namespace kantor;
using namespace kantor::test;

namespace {

struct Stream {
  int64_t seed, counter, stream, step_scale, step_offset;
};
OpCase normal(int64_t count, const Stream& s, DType dtype = DType::f32) {
  Value seed = i64({1}), counter = i64({1});
  std::memcpy(seed.bytes.data(), &s.seed, 8);
  std::memcpy(counter.bytes.data(), &s.counter, 8);
  return {"normal", {seed, counter}, {Value(dtype, {count})}, {s.stream, s.step_scale, s.step_offset}};
}
OpCase uniform(int64_t count, const Stream& s, float low = 0, float high = 1, DType dtype = DType::f32) {
  OpCase c = normal(count, s, dtype);
  c.op = "uniform";
  c.attributes.insert(c.attributes.end(), {bits(low), bits(high)});
  return c;
}
OpCase batch(int64_t n, int64_t count, double seed, double counter, int64_t scale = 1, int64_t offset = 0) {
  return {"batch_indices", {i64({1}, {seed}), i64({1}, {counter})}, {i32({n})}, {count, scale, offset}};
}

const Stream kStreams[] = {{0, 0, 0, 1, 0}, {42, 7, 3, 6, 5}, {-1, INT64_C(0x123456789ABCD), 0xFFFFFFFF, 1, 1}};
constexpr int64_t kMillion = 1000000;

// sqrt(n) times the largest distance of the empirical distribution from the true one. Above 1.95 once in a thousand.
template <class Cdf>
double kolmogorov_smirnov(const Value& sample, Cdf cdf) {
  std::vector<double> x;
  for (int64_t i = 0; i < sample.count(); ++i) x.push_back(sample.get(i));
  std::sort(x.begin(), x.end());
  double n = static_cast<double>(x.size()), distance = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    double below = static_cast<double>(i) / n, at = cdf(x[i]);
    distance = std::max({distance, at - below, below + 1 / n - at});
  }
  return std::sqrt(n) * distance;
}

double moment(const Value& x, int power) {
  double sum = 0;
  for (int64_t i = 0; i < x.count(); ++i) sum += std::pow(x.get(i), power);
  return sum / static_cast<double>(x.count());
}

// Of a[i] and b[i + lag]; a normal variable of deviation 1 if they are independent.
double correlation(const Value& a, const Value& b, int64_t lag, int64_t stride = 1) {
  double sum = 0, n = 0;
  for (int64_t i = 0; i + lag < a.count(); i += stride, ++n) sum += a.get(i) * b.get(i + lag);
  return sum / std::sqrt(n);
}

}  // namespace

TEST_CASE("Philox gives the known answers of Random123") {
  auto check = [](uint32_t c0, uint32_t c1, uint64_t c23, uint64_t key, std::initializer_list<uint32_t> want) {
    Philox4 got = philox(c0, c1, c23, key);
    CHECK_EQ(got.x, want.begin()[0]);
    CHECK_EQ(got.y, want.begin()[1]);
    CHECK_EQ(got.z, want.begin()[2]);
    CHECK_EQ(got.w, want.begin()[3]);
  };
  check(0, 0, 0, 0, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  check(~0u, ~0u, ~uint64_t{0}, ~uint64_t{0}, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  check(0x243f6a88, 0x85a308d3, 0x0370734413198a2e, 0x299f31d0a4093822,
        {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("normals and uniforms have the same bits in every build") {
  for (const Stream& stream : kStreams)
    for (int64_t count : {1, 2, 3, 4, 5, 15, 16, 17, 31, 32, 33, 127, 4095, 4096, 4097, 8193, 20011}) {
      check_op(normal(count, stream), 0);
      check_op(uniform(count, stream, -0.5f, 2.25f), 0);
    }
  check_op(normal(2 * kMillion + 3, kStreams[1]), 0);
  check_op(uniform(kMillion + 1, kStreams[1]), 0);
}

TEST_CASE("float64 programs get the same float values") {
  for (const Stream& stream : kStreams) {
    Value single = run_op(normal(1001, stream), "reference", 1)[0];
    Value wide = run_op(normal(1001, stream, DType::f64), "reference", 1)[0];
    CHECK_EQ(max_relative_error(single, wide), 0);
    single = run_op(uniform(1001, stream, 1, 3), "reference", 1)[0];
    wide = run_op(uniform(1001, stream, 1, 3, DType::f64), "reference", 1)[0];
    CHECK_EQ(max_relative_error(single, wide), 0);
  }
}

TEST_CASE("Box-Muller is accurate at the ends and in between") {
  double worst = 0;
  auto check = [&](uint32_t radius, uint32_t angle) {
    double r = std::sqrt(-2 * std::log(static_cast<double>((radius >> 8) + 1) * 0x1p-24));
    double turn = 2 * M_PI * static_cast<double>(angle >> 8) * 0x1p-24;
    NormalPair got = box_muller(radius, angle);
    // The sine of a whole or half turn is exactly 0 here but not there, hence the floor.
    worst = std::max(worst, std::abs(static_cast<double>(got.first) - r * std::cos(turn)) / std::max(r, 1e-30));
    worst = std::max(worst, std::abs(static_cast<double>(got.second) - r * std::sin(turn)) / std::max(r, 1e-30));
  };
  const uint32_t ends[] = {0, 255, 256, 0x1FFFFF00, 0x20000000, 0x3FFFFFFF, 0x40000000, 0x60000000, 0x7FFFFFFF,
                           0x80000000, 0xA0000000, 0xB504F300, 0xB504F400, 0xC0000000, 0xE0000000, 0xFFFFFE00,
                           0xFFFFFEFF, 0xFFFFFFFF};
  for (uint32_t radius : ends)
    for (uint32_t angle : ends) check(radius, angle);
  for (uint32_t i = 0; i < 1000000; ++i) {
    Philox4 word = philox(i, 0, 0, 1);
    check(word.x, word.y);
  }
  CHECK_LE(worst, 3 * 0x1p-24);
  CHECK_EQ(std::abs(box_muller(0xFFFFFFFF, 12345).first), 0.0f);
}

TEST_CASE("normals have the moments, the tails and the distribution of N(0, 1)") {
  auto cdf = [](double x) { return 0.5 * std::erfc(-x / M_SQRT2); };
  for (int64_t seed : {1, 2, 3}) {
    Value x = run_op(normal(kMillion, {seed, 0, 0, 1, 0}), "cpu", 2)[0];
    CHECK_LE(kolmogorov_smirnov(x, cdf), 1.95);
    // Four deviations of each mean.
    CHECK_LE(std::abs(moment(x, 1)), 4e-3);
    CHECK_LE(std::abs(moment(x, 2) - 1), 4e-3 * std::sqrt(2));
    CHECK_LE(std::abs(moment(x, 3)), 4e-3 * std::sqrt(15));
    CHECK_LE(std::abs(moment(x, 4) - 3), 4e-3 * std::sqrt(96));
    double beyond3 = 0, beyond4 = 0, largest = 0;
    for (int64_t i = 0; i < x.count(); ++i) {
      double size = std::abs(x.get(i));
      beyond3 += size > 3;
      beyond4 += size > 4;
      largest = std::max(largest, size);
    }
    CHECK_LE(std::abs(beyond3 - 2700), 4 * std::sqrt(2700));
    CHECK_LE(std::abs(beyond4 - 63.3), 4 * std::sqrt(63.3));
    CHECK_LE(largest, std::sqrt(48 * std::log(2)) + 1e-6);
    for (int64_t lag : {1, 2, 4, 16}) CHECK_LE(std::abs(correlation(x, x, lag)), 4);
    CHECK_LE(std::abs(correlation(x, x, 1, 2)), 4);  // cosine and sine of one pair
    Value other_stream = run_op(normal(kMillion, {seed, 0, 1, 1, 0}), "cpu", 2)[0];
    Value next_step = run_op(normal(kMillion, {seed, 1, 0, 1, 0}), "cpu", 2)[0];
    CHECK_LE(std::abs(correlation(x, other_stream, 0)), 4);
    CHECK_LE(std::abs(correlation(x, next_step, 0)), 4);
  }
}

TEST_CASE("uniforms fill their interval evenly and stay below its end") {
  for (int64_t seed : {1, 2, 3}) {
    Value x = run_op(uniform(kMillion, {seed, 0, 0, 1, 0}), "cpu", 2)[0];
    CHECK_LE(kolmogorov_smirnov(x, [](double u) { return u; }), 1.95);
    double low = 1, high = 0;
    for (int64_t i = 0; i < x.count(); ++i) {
      low = std::min(low, x.get(i));
      high = std::max(high, x.get(i));
    }
    CHECK_GE(low, 0);
    CHECK_LT(high, 1);
  }
  Value constant = run_op(uniform(9, kStreams[1], 0.75f, 0.75f), "cpu", 1)[0];
  for (int64_t i = 0; i < 9; ++i) CHECK_EQ(constant.get(i), 0.75);
}

TEST_CASE("step = counter * scale + offset") {
  auto at = [](const Stream& s) { return run_op(normal(64, s), "cpu", 1)[0]; };
  CHECK(same_bits(at({9, 4, 2, 6, 5}), at({9, 29, 2, 1, 0})));
  CHECK_FALSE(same_bits(at({9, 4, 2, 6, 5}), at({9, 30, 2, 1, 0})));
  CHECK_FALSE(same_bits(at({9, 29, 3, 1, 0}), at({9, 29, 2, 1, 0})));
  CHECK_FALSE(same_bits(at({9, 29, 2, 1, 0}), at({10, 29, 2, 1, 0})));
}

TEST_CASE("the order of an epoch is a permutation, and epochs differ") {
  for (uint32_t count : {1u, 2u, 3u, 4u, 5u, 10u, 16u, 17u, 1000u, 60000u, 65536u, 65537u}) {
    CAPTURE(count);
    for (uint64_t epoch : {uint64_t{0}, uint64_t{1}, uint64_t{1} << 40}) {
      std::vector<bool> seen(count);
      for (uint32_t i = 0; i < count; ++i) {
        uint32_t index = permute(i, 7, epoch, count);
        REQUIRE_LT(index, count);
        REQUIRE_FALSE(seen[index]);
        seen[index] = true;
      }
    }
  }
  int fixed = 0, common = 0;
  for (uint32_t i = 0; i < 60000; ++i) {
    fixed += permute(i, 7, 0, 60000) == i;
    common += permute(i, 7, 0, 60000) == permute(i, 7, 1, 60000);
  }
  CHECK_LE(fixed, 6);  // about one is expected of a random permutation
  CHECK_LE(common, 6);
}

TEST_CASE("the permutations of a small count are about equally likely") {
  int times[6] = {};
  for (uint64_t epoch = 0; epoch < 6000; ++epoch) {
    uint32_t a = permute(0, 11, epoch, 3), b = permute(1, 11, epoch, 3);
    ++times[2 * a + (b > a ? b - 1 : b)];
  }
  double chi2 = 0;
  for (int n : times) chi2 += (n - 1000.0) * (n - 1000.0) / 1000;
  CHECK_LE(chi2, 20.5);  // five degrees of freedom, p = 0.001
}

TEST_CASE("batches cut the epoch's order into pieces and drop the remainder") {
  struct Case {
    int64_t n, count;
  };
  const Case cases[] = {{1, 1}, {1, 2}, {2, 2}, {3, 10}, {10, 10}, {7, 60}, {64, 60000}, {300, 1000}, {1000, 60000}};
  for (const Case& c : cases) {
    CAPTURE(c.n);
    CAPTURE(c.count);
    int64_t per_epoch = c.count / c.n;
    for (int64_t epoch : {0, 3}) {
      Value order = run_op(batch(c.count, c.count, 5, static_cast<double>(epoch)), "cpu", 2)[0];
      for (int64_t b : {int64_t{0}, per_epoch / 2, per_epoch - 1}) {
        OpCase one = batch(c.n, c.count, 5, static_cast<double>(epoch * per_epoch + b));
        check_op(one, 0);
        Value got = run_op(one, "cpu", 1)[0];
        for (int64_t i = 0; i < c.n; ++i) REQUIRE_EQ(got.get(i), order.get(b * c.n + i));
      }
    }
  }
  check_op(batch(33, 2147483647, 5, 1e12, 3, 2), 0);
  check_op(batch(64, 60000, -5, 17, 5, 4), 0);
}

TEST_CASE("random ops say what does not fit") {
  auto rejected = [](OpCase c, const char* text) {
    Rejection r = try_op(c);
    CHECK_EQ(r.status, KT_INVALID_ARGUMENT);
    CAPTURE(r.message);
    CHECK_NE(r.message.find(text), std::string::npos);
  };
  OpCase c = normal(4, kStreams[0]);
  c.in[0] = i64({2});
  rejected(c, "must hold one value");
  c = normal(4, kStreams[0], DType::i32);
  rejected(c, "expected float32");
  c = normal(4, kStreams[0]);
  c.in[1] = f32({1});
  rejected(c, "counter");
  c = normal(4, {0, 0, INT64_C(1) << 32, 1, 0});
  rejected(c, "stream");
  c = normal(4, {0, 0, 0, -1, 0});
  rejected(c, "must not be negative");
  rejected(uniform(4, kStreams[0], 2, 1), "interval");
  rejected(uniform(4, kStreams[0], 0, INFINITY), "interval");
  rejected(batch(11, 10, 0, 0), "choose a batch of 1 to 10");
  rejected(batch(1, INT64_C(1) << 31, 0, 0), "count");
}
