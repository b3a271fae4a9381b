// max_pool, pool_scatter and pool_gather. Nothing is rounded, so every instruction set must give the reference's bits.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "support.h"

using namespace kantor;
using namespace kantor::test;

namespace {

struct PoolCase {
  int64_t n, c, h, w, kh, kw, sh, sw;
  int64_t p() const { return (h - kh) / sh + 1; }
  int64_t q() const { return (w - kw) / sw + 1; }
  std::vector<int64_t> large() const { return {n, c, h, w}; }
  std::vector<int64_t> small() const { return {n, c, p(), q()}; }
};

// 1-wide, odd, around every vector's width, more planes than one task has; then windows that overlap, leave gaps, are
// not square.
const PoolCase kCases[] = {
    {1, 1, 1, 1, 1, 1, 1, 1},    {1, 1, 2, 2, 2, 2, 2, 2},   {1, 1, 5, 3, 2, 2, 2, 2},   {1, 2, 3, 33, 2, 2, 2, 2},
    {2, 2, 7, 7, 2, 2, 2, 2},    {3, 32, 14, 14, 2, 2, 2, 2}, {2, 32, 28, 28, 2, 2, 2, 2}, {1, 1, 4, 66, 2, 2, 2, 2},
    {1, 1, 130, 31, 2, 2, 2, 2}, {1, 1, 2, 63, 2, 2, 2, 2},  {1, 1, 2, 8, 2, 2, 2, 2},   {1, 1, 6, 16, 2, 2, 2, 2},
    {1, 1, 2, 32, 2, 2, 2, 2},   {1, 1, 9, 1, 2, 1, 2, 1},   {1, 1, 1, 9, 1, 2, 1, 2},   {2, 3, 11, 13, 3, 3, 2, 2},
    {1, 2, 10, 9, 3, 2, 1, 1},   {1, 1, 8, 8, 2, 2, 1, 1},   {1, 3, 7, 9, 2, 3, 3, 2},   {1, 1, 6, 6, 1, 1, 2, 2},
    {1, 2, 5, 5, 5, 5, 1, 1}};

OpCase max_pool(const PoolCase& s, const Value& x) {
  return {"max_pool", {x}, {Value(x.dtype, s.small()), i32(s.small())}, {s.kh, s.kw, s.sh, s.sw}};
}
OpCase pool_scatter(const PoolCase& s, const Value& dy, const Value& index) {
  Value old = random(dy.dtype, s.large(), 9);  // must be overwritten
  return {"pool_scatter", {dy, index}, {old}, {}};
}
OpCase pool_gather(const PoolCase& s, const Value& x, const Value& index) {
  return {"pool_gather", {x, index}, {Value(x.dtype, s.small())}, {}};
}
Value whole_numbers(std::vector<int64_t> dims, uint64_t seed, double low, double high) {
  Value value = random(DType::f32, std::move(dims), seed, low, high);
  for (int64_t i = 0; i < value.count(); ++i) value.set(i, std::floor(value.get(i)));
  return value;
}
Value indices(const PoolCase& s, uint64_t seed) {
  return run_op(max_pool(s, random(s.large(), seed)), "reference", 1)[1];
}

void rejected(const OpCase& c, const char* text) {
  Rejection r = try_op(c);
  CHECK_EQ(r.status, KT_INVALID_ARGUMENT);
  CAPTURE(r.message);
  CHECK_NE(r.message.find(text), std::string::npos);
}

}  // namespace

TEST_CASE("max_pool follows the reference: plain values, ties, NaN, infinities") {
  for (const PoolCase& s : kCases) {
    CAPTURE(s.h);
    CAPTURE(s.w);
    CAPTURE(s.kh);
    check_op(max_pool(s, random(s.large(), 1)), 0);
    Value ties = whole_numbers(s.large(), 2, -1, 2);
    for (int64_t i = 0; i < ties.count(); i += 3)
      if (ties.get(i) == 0) ties.set(i, -0.0);
    check_op(max_pool(s, ties), 0);
    Value odd = whole_numbers(s.large(), 3, 0, 6);
    for (int64_t i = 0; i < odd.count(); ++i)
      if (odd.get(i) < 3) odd.set(i, odd.get(i) == 0 ? NAN : odd.get(i) == 1 ? INFINITY : -INFINITY);
    check_op(max_pool(s, odd), 0);
  }
}

TEST_CASE("max_pool by hand: the first of equals, NaN above all, the last of several NaN") {
  const PoolCase s{1, 1, 3, 6, 2, 2, 2, 2};
  const double inf = INFINITY, nan = NAN;
  Value x = f32({1, 1, 3, 6}, {1, 7, nan, 9, -inf, -inf,    //
                               7, 2, 8, nan, -inf, -inf,    //
                               9, 9, 9, 9, 9, 9});          // of no window
  for (const std::string& device : {std::string("reference"), std::string("cpu")}) {
    std::vector<Value> out = run_op(max_pool(s, x), device, 1);
    CHECK_EQ(out[0].get(0), 7);
    CHECK(std::isnan(out[0].get(1)));
    CHECK_EQ(out[0].get(2), -inf);
    const double want[] = {1, 9, 4};
    for (int64_t i = 0; i < 3; ++i) CHECK_EQ(out[1].get(i), want[i]);
  }
}

TEST_CASE("pool_scatter and pool_gather follow the reference with max_pool's indices") {
  for (const PoolCase& s : kCases) {
    CAPTURE(s.h);
    CAPTURE(s.w);
    CAPTURE(s.kh);
    Value index = indices(s, 4), dy = whole_numbers(s.small(), 5, -8, 8);
    for (int64_t i = 0; i < dy.count(); i += 5) dy.set(i, -0.0);
    check_op(pool_scatter(s, dy, index), 0);
    check_op(pool_gather(s, random(s.large(), 6), index), 0);
  }
}

TEST_CASE("any index will do: repeated, in another window, outside the plane") {
  for (const PoolCase& s : kCases) {
    CAPTURE(s.h);
    CAPTURE(s.w);
    CAPTURE(s.kh);
    const double size = static_cast<double>(s.h * s.w);
    Value dy = whole_numbers(s.small(), 7, -8, 8), x = random(s.large(), 8), anywhere = i32(s.small());
    Value places = random(DType::f64, s.small(), 9, -2, size + 2);
    for (int64_t i = 0; i < anywhere.count(); ++i) anywhere.set(i, std::floor(places.get(i)));
    check_op(pool_scatter(s, dy, anywhere), 0);
    check_op(pool_gather(s, x, anywhere), 0);
    if (s.n * s.c > 3) continue;
    // One stray index, in every place of the last row in turn.
    for (int64_t back = 1; back <= std::min<int64_t>(s.q(), 20); ++back)
      for (double stray : {0.0, size - 1, -1.0, size, double{std::numeric_limits<int32_t>::max()}}) {
        Value index = indices(s, 10);
        index.set(index.count() - back, stray);
        const OpCase cases[] = {pool_scatter(s, dy, index), pool_gather(s, x, index)};
        for (const OpCase& c : cases) {
          Value want = run_op(c, "reference", 1)[0];
          for (const std::string& device : tested_devices()) CHECK(same_bits(run_op(c, device, 1)[0], want));
        }
      }
  }
}

TEST_CASE("pool_gather is the transpose of pool_scatter") {
  for (const PoolCase& s : kCases) {
    Value dy = random(DType::f64, s.small(), 1), g = random(DType::f64, s.large(), 2), index = indices(s, 3);
    Value scattered = run_op(pool_scatter(s, dy, index), "reference", 1)[0];
    Value gathered = run_op(pool_gather(s, g, index), "reference", 1)[0];
    double left = 0, right = 0;
    for (int64_t i = 0; i < g.count(); ++i) left += scattered.get(i) * g.get(i);
    for (int64_t i = 0; i < dy.count(); ++i) right += dy.get(i) * gathered.get(i);
    CHECK_EQ(left, doctest::Approx(right).epsilon(1e-12));
  }
}

TEST_CASE("pool ops say what does not fit") {
  const PoolCase s{2, 3, 4, 6, 2, 2, 2, 2};
  OpCase c = max_pool(s, f32(s.large()));
  c.attributes[0] = 5;
  rejected(c, "max_pool: windows of 5 x 2, stride 2 x 2, do not fit x, f32[2, 3, 4, 6]");
  c.attributes = {2, 2, 0, 2};
  rejected(c, "stride 0 x 2");
  c.attributes = {2, 2, 1, 2};
  rejected(c, "expected [2, 3, 3, 3]");
  c.attributes = {2, 2, 2};
  rejected(c, "3 attributes given, expected 4");
  c = max_pool(s, f32({4, 6}));
  rejected(c, "x is f32[4, 6]");
  c = max_pool(s, f32(s.large()));
  c.out[1] = f32(s.small());
  rejected(c, "the index");
  c = pool_scatter(s, f32({2, 1, 2, 3}), i32({2, 1, 2, 3}));
  rejected(c, "expected [N, C, H, W] and [N, C, P, Q]");
  c = pool_gather(s, f32(s.large()), i32({2, 3, 3, 3}));
  rejected(c, "the index");
  const PoolCase same{1, 1, 2, 2, 1, 1, 1, 1};
  c = pool_gather(same, f32(same.large()), i32(same.small()));
  c.alias = {0};
  rejected(c, "share memory");
  c = pool_scatter(same, f32(same.small()), i32(same.small()));
  c.alias = {0};
  rejected(c, "share memory");
}
