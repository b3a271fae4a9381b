// translate and cutout_mask.
#include <doctest/doctest.h>

#include <cmath>

#include "support.h"

using namespace kantor;
using namespace kantor::test;

namespace {

Value places(DType dtype, int64_t n) {
  Value u = random(dtype, {n, 2}, 7, 0, 1);
  // The ends, and what no generator gives.
  const double special[] = {0, 0.9999999, 1, -1, NAN, 2};
  for (int64_t i = 0; i < std::min<int64_t>(u.count(), 6); ++i) u.set(i, special[i]);
  return u;
}
OpCase translate(DType dtype, std::vector<int64_t> dims, int64_t rows, int64_t cols, int64_t sign) {
  return {"translate",
          {random(dtype, dims, 1), places(dtype, dims[0])},
          {random(dtype, dims, 2)},
          {rows, cols, sign}};
}
OpCase cutout(DType dtype, int64_t n, int64_t h, int64_t w, int64_t rows, int64_t cols) {
  return {"cutout_mask", {places(dtype, n)}, {random(dtype, {n, 1, h, w}, 2)}, {rows, cols}};
}
void rejected(const OpCase& c, const char* text) {
  Rejection r = try_op(c);
  CHECK_EQ(r.status, KT_INVALID_ARGUMENT);
  CAPTURE(r.message);
  CHECK_NE(r.message.find(text), std::string::npos);
}

}  // namespace

TEST_CASE("translate follows the reference, and moves each image as far as its numbers say") {
  for (int64_t sign : {1, -1})
    for (int64_t most : {0, 1, 3, 5}) {
      CAPTURE(most);
      check_op(translate(DType::f32, {9, 1, 5, 7}, most, most, sign), 0);
      check_op(translate(DType::f32, {3, 3, 8, 5}, most, std::min<int64_t>(most, 4), sign), 0);
      check_op(translate(DType::f32, {64, 1, 28, 28}, most, most, sign), 0);
    }
  check_op(translate(DType::f32, {5, 2, 1, 1}, 1, 1, 1), 0);
  OpCase one = {"translate", {f32({1, 1, 2, 3}), f32({1, 2})}, {f32({1, 1, 2, 3})}, {1, 1, 1}};
  for (int64_t i = 0; i < 6; ++i) one.in[0].set(i, static_cast<double>(i + 1));
  one.in[1].set(0, 0.9);  // one row down
  one.in[1].set(1, 0.1);  // one column to the left
  Value moved = run_op(one, "cpu", 1)[0];
  const double want[] = {0, 0, 0, 2, 3, 0};
  for (int64_t i = 0; i < 6; ++i) CHECK_EQ(moved.get(i), want[i]);
}

TEST_CASE("cutout_mask follows the reference, and its rectangle may leave the image") {
  for (int64_t size : {0, 1, 2, 5, 7}) {
    CAPTURE(size);
    check_op(cutout(DType::f32, 9, 7, 9, size, size), 0);
    check_op(cutout(DType::f32, 40, 28, 28, 14, 2 * size), 0);
  }
  Value mask = run_op(cutout(DType::f32, 1, 4, 4, 2, 2), "cpu", 1)[0];
  // u = (0, 0.9999999): the rectangle's centre is in the corner at the top right.
  double zeros = 0;
  for (int64_t i = 0; i < 16; ++i) zeros += 1 - mask.get(i);
  CHECK_EQ(zeros, 1);
  CHECK_EQ(mask.get(3), 0);
}

TEST_CASE("the augmentations say what does not fit") {
  rejected(translate(DType::f32, {2, 1, 4, 4}, 5, 1, 1), "0 to the image's size");
  rejected(translate(DType::f32, {2, 1, 4, 4}, 1, 1, 2), "1 or -1");
  rejected({"translate", {f32({2, 4}), f32({2, 2})}, {f32({2, 4})}, {1, 1, 1}}, "[N, C, H, W]");
  rejected({"translate", {f32({2, 1, 4, 4}), f32({2, 1})}, {f32({2, 1, 4, 4})}, {1, 1, 1}}, "expected [2, 2]");
  rejected(cutout(DType::f32, 2, 4, 4, 5, 1), "at most 4 x 4");
  rejected({"cutout_mask", {f32({2, 2})}, {f32({2, 3, 4, 4})}, {1, 1}}, "[N, 1, H, W]");
}
