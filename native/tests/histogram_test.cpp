#include <doctest/doctest.h>

#include <cmath>

#include "support.h"

using namespace kantor;
using namespace kantor::test;

namespace {

OpCase histogram(const Value& x, int64_t bins, float low, float high) {
  return {"histogram", {x}, {i64({bins})}, {bits(low), bits(high)}};
}

}  // namespace

TEST_CASE("histogram counts edges, outliers and NaN as its contract says") {
  Value x = f32({12}, {0, 0.25, 0.2499, 0.5, 0.75, 1, 1.5, -3, INFINITY, -INFINITY, NAN, 0.9999});
  Value counts = run_op(histogram(x, 4, 0, 1), "reference", 1)[0];
  const double want[] = {4, 1, 1, 5};
  for (int b = 0; b < 4; ++b) CHECK_EQ(counts.get(b), want[b]);
  check_op(histogram(x, 4, 0, 1), 0);
  check_op(histogram(f32({3}, {NAN, NAN, NAN}), 5, 0, 1), 0);
}

TEST_CASE("histogram is exact for every size and number of bins") {
  for (int64_t count : {1, 2, 7, 1023, 1024, 1025, 40000, 270001})
    for (int64_t bins : {1, 2, 64, 1000, 20000}) {
      Value x = random({count}, static_cast<uint64_t>(count));
      check_op(histogram(x, bins, -0.9f, 0.95f), 0);
    }
  check_op(histogram(random({3, 5, 7}, 1), 10, -1, 1), 0);
  check_op(histogram(f32({100000}), 10, -1, 1), 0);  // all in one bin
  Value counts = run_op(histogram(random({270001}, 3), 37, -1, 1), "cpu", 2)[0];
  double total = 0;
  for (int64_t b = 0; b < 37; ++b) total += counts.get(b);
  CHECK_EQ(total, 270001);
}

TEST_CASE("histogram says what does not fit") {
  auto rejected = [](const OpCase& c, const char* text) {
    Rejection r = try_op(c);
    CHECK_EQ(r.status, KT_INVALID_ARGUMENT);
    CAPTURE(r.message);
    CHECK_NE(r.message.find(text), std::string::npos);
  };
  rejected(histogram(f32({3}), 4, 1, 1), "low < high");
  rejected(histogram(f32({3}), 4, 0, NAN), "low < high");
  rejected(histogram(i32({3}), 4, 0, 1), "expected float32");
  rejected(histogram(f32({3}), 65537, 0, 1), "1 to 65536");
  rejected({"histogram", {f32({3})}, {f32({4})}, {bits(0), bits(1)}}, "i64");
}
