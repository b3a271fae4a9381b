// avg_pool and upsample_nearest, each the other's transpose.
#include <doctest/doctest.h>

#include <cmath>

#include "support.h"

using namespace kantor;
using namespace kantor::test;

namespace {

struct WindowCase {
  int64_t n, c, h, w, kh, kw;
  std::vector<int64_t> large() const { return {n, c, h, w}; }
  std::vector<int64_t> small() const { return {n, c, h / kh, w / kw}; }
};

// 1-wide, with rows and columns left over, around every vector's width, more planes than one task has, not square.
const WindowCase kCases[] = {{1, 1, 1, 1, 1, 1},    {1, 1, 2, 2, 2, 2},   {1, 1, 5, 3, 2, 2},   {1, 2, 3, 33, 2, 2},
                             {2, 2, 7, 7, 2, 2},    {3, 32, 14, 14, 2, 2}, {2, 32, 28, 28, 2, 2}, {1, 1, 4, 66, 2, 2},
                             {1, 1, 130, 31, 2, 2}, {1, 1, 2, 63, 2, 2},  {1, 1, 2, 8, 2, 2},   {1, 1, 6, 16, 2, 2},
                             {1, 1, 2, 32, 2, 2},   {1, 1, 9, 1, 2, 1},   {1, 1, 1, 9, 1, 2},   {2, 3, 11, 13, 3, 4},
                             {2, 5, 7, 7, 7, 7},    {1, 2, 6, 10, 1, 1},  {1, 1, 3, 40, 1, 20}, {1, 1, 40, 3, 20, 1},
                             {1, 1, 3, 2600, 3, 7}, {1, 2, 2, 2500, 1, 1200}};

OpCase avg_pool(const WindowCase& s, const Value& x, float factor) {
  return {"avg_pool", {x}, {random(x.dtype, s.small(), 9)}, {s.kh, s.kw, bits(factor)}};  // must be overwritten
}
OpCase upsample(const WindowCase& s, const Value& x, float factor) {
  return {"upsample_nearest", {x}, {random(x.dtype, s.large(), 9)}, {s.kh, s.kw, bits(factor)}};
}
Value whole_numbers(std::vector<int64_t> dims, uint64_t seed) {
  Value value = random(DType::f32, std::move(dims), seed, -8, 9);
  for (int64_t i = 0; i < value.count(); ++i) value.set(i, std::floor(value.get(i)));
  return value;
}

void rejected(const OpCase& c, const char* text) {
  Rejection r = try_op(c);
  CHECK_EQ(r.status, KT_INVALID_ARGUMENT);
  CAPTURE(r.message);
  CHECK_NE(r.message.find(text), std::string::npos);
}

}  // namespace

TEST_CASE("avg_pool and upsample_nearest follow the reference") {
  for (const WindowCase& s : kCases) {
    CAPTURE(s.h);
    CAPTURE(s.w);
    CAPTURE(s.kh);
    // Sums of whole numbers are exact in float32; those of one sign lose little.
    check_op(avg_pool(s, whole_numbers(s.large(), 1), 0.25f), 0);
    check_op(avg_pool(s, random(DType::f32, s.large(), 2, 0, 1), 1 / static_cast<float>(s.kh * s.kw)), 5e-6);
    check_op(upsample(s, random(s.small(), 3), 1), 0);
    check_op(upsample(s, whole_numbers(s.small(), 4), 0.25f), 0);
  }
}

TEST_CASE("avg_pool and upsample_nearest by hand") {
  const WindowCase s{1, 1, 3, 5, 2, 2};
  Value x = f32(s.large(), {1, 2, 3, 4, 100,  //
                            5, 6, 7, 8, 100,  //
                            100, 100, 100, 100, 100});
  for (const std::string& device : {std::string("reference"), std::string("cpu")}) {
    Value mean = run_op(avg_pool(s, x, 0.25f), device, 1)[0];
    CHECK(same_bits(mean, f32(s.small(), {3.5, 5.5})));
    Value large = run_op(upsample(s, mean, 2), device, 1)[0];
    CHECK(same_bits(large, f32(s.large(), {7, 7, 11, 11, 0,  //
                                           7, 7, 11, 11, 0,  //
                                           0, 0, 0, 0, 0})));
  }
}

TEST_CASE("upsample_nearest is the transpose of avg_pool, in float64 as well") {
  for (const WindowCase& s : kCases) {
    Value x = random(DType::f64, s.large(), 1), g = random(DType::f64, s.small(), 2);
    Value pooled = run_op(avg_pool(s, x, 0.5f), "reference", 1)[0], up = run_op(upsample(s, g, 0.5f), "reference", 1)[0];
    double left = 0, right = 0;
    for (int64_t i = 0; i < g.count(); ++i) left += pooled.get(i) * g.get(i);
    for (int64_t i = 0; i < x.count(); ++i) right += x.get(i) * up.get(i);
    CHECK_EQ(left, doctest::Approx(right).epsilon(1e-12));
  }
}

TEST_CASE("avg_pool and upsample_nearest say what does not fit") {
  const WindowCase s{2, 3, 4, 6, 2, 2};
  OpCase c = avg_pool(s, f32(s.large()), 1);
  c.attributes[0] = 5;
  rejected(c, "avg_pool: windows of 5 x 2 do not fit x, f32[2, 3, 4, 6]");
  c.attributes = {2, 2};
  rejected(c, "2 attributes given, expected 3");
  c.attributes = {2, 3, bits(1.0f)};
  rejected(c, "expected [2, 3, 2, 2]");
  rejected(avg_pool(s, f32({4, 6}), 1), "x, f32[4, 6]");
  c = upsample(s, f32(s.small()), 1);
  c.attributes[1] = 0;
  rejected(c, "upsample_nearest: windows of 2 x 0 do not fit the output");
  rejected(upsample(s, f32({2, 3, 3, 3}), 1), "expected [2, 3, 2, 3]");
  const WindowCase same{1, 1, 2, 2, 1, 1};
  c = avg_pool(same, f32(same.large()), 1);
  c.alias = {0};
  rejected(c, "share memory");
}
