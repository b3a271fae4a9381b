// The ops that move data: copy, gather, ring_write, counter_add.
#include <doctest/doctest.h>

#include "support.h"

using namespace kantor;
using namespace kantor::test;

TEST_CASE("counter_add counts") {
  check_op({"counter_add", {}, {i64({1}, {40})}, {3}}, 0, 4);
  CHECK_EQ(run_op({"counter_add", {}, {i64({1}, {40})}, {3}}, "cpu", 1, 4)[0].get(0), 52);
}

TEST_CASE("gather takes rows, scales them and marks indices outside") {
  float scale = 2.0f / 255, shift = -1;
  Value data = random(DType::u8, {19, 37}, 1, 0, 256), indices = i32({7}, {3, 0, 18, 3, -1, 19, 5});
  check_op({"gather", {data, indices}, {f32({7, 37})}, {bits(scale), bits(shift)}}, 1e-6);
  check_op({"gather", {data, indices}, {i32({7, 37})}, {bits(1), bits(0)}}, 0);
  check_op({"gather", {random({5, 3}, 2), i32({4}, {4, 3, 2, 9})}, {f32({4, 3})}, {bits(1), bits(0)}}, 0);
  check_op(
      {"gather", {random(DType::i32, {9, 1}, 3, 0, 10), i32({4}, {4, 3, 8, 9})}, {i32({4, 1})}, {bits(1), bits(0)}}, 0);
  check_op({"gather",
            {random(DType::u8, {60, 784}, 4, 0, 256), random(DType::i32, {512}, 5, 0, 60)},
            {f32({512, 784})},
            {bits(scale), bits(shift)}},
           1e-6);
}

TEST_CASE("ring_write fills the row that the counter names") {
  Value ring = random({4, 3}, 1);
  for (double counter : {0., 3., 6., 4000000001., -1.})
    check_op({"ring_write", {i64({1}, {counter}), f32({}, {7}), f32({2}, {8, 9})}, {ring}, {}}, 0);
}

namespace {

OpCase copy_case(Value from, Value to, const std::vector<int64_t>& attributes) {
  return {"copy", {from}, {to}, attributes};
}

}  // namespace

TEST_CASE("copy moves boxes of any type") {
  for (DType dtype : {DType::f32, DType::u8, DType::i32, DType::i64}) {
    Value from = random(dtype, {6, 10}, 1, 0, 200), to = random(dtype, {6, 10}, 2, 0, 200);
    check_op(copy_case(from, to, {1, 60, 1, 1, 0, 0, 0}), 0);             // whole
    check_op(copy_case(from, to, {2, 4, 10, 10, 3, 1, 1, 12, 5, 0}), 0);  // a slice into a slice
    check_op(copy_case(from, to, {2, 4, 10, 10, 3, 1, 1, 12, 5, 1}), 0);  // the same, padded with zeros
    check_op(copy_case(from, to, {2, 6, 0, 10, 10, 1, 1, 20, 0, 0}), 0);  // a row repeated
    check_op(copy_case(from, to, {2, 6, 10, 10, 10, 0, 1, 3, 0, 0}), 0);  // a column repeated
    check_op(copy_case(from, random(dtype, {10, 6}, 3, 0, 200), {2, 10, 1, 6, 6, 10, 1, 0, 0, 0}), 0);  // transposed
    check_op(copy_case(from, to, {1, 60, -1, 1, 59, 0, 1}), 0);                                         // reversed
    check_op(copy_case(from, to, {0, 59, 0, 0}), 0);                                                    // one element
  }
}

TEST_CASE("copy cuts large boxes into tasks") {
  Value from = random({3, 50000}, 1), to = random({7, 50010}, 2);
  check_op(copy_case(from, to, {2, 3, 50000, 2 * 50010, 50000, 1, 1, 0, 50015, 1}), 0);
  Value small = random({400, 5, 30}, 3);
  check_op(copy_case(small, f32({400, 7, 31}), {3, 400, 150, 217, 5, 30, 31, 30, 1, 1, 0, 31, 1}), 0);
}

TEST_CASE("these ops say what does not fit") {
  Value a = f32({6}), b = f32({6}), one = i64({1}), ring = f32({2, 3});
  auto rejected = [](const OpCase& c, const char* text) {
    Rejection r = try_op(c);
    CHECK_EQ(r.status, KT_INVALID_ARGUMENT);
    CAPTURE(r.message);
    CHECK_NE(r.message.find(text), std::string::npos);
  };
  rejected(copy_case(a, b, {1, 6, 1, 1, 1, 0, 0}), "leaves the source");
  rejected(copy_case(a, b, {1, 6, 1, 1, 0, 1, 0}), "leaves the destination");
  rejected(copy_case(a, b, {1, 2, INT64_MAX, 1, 0, 0, 0}), "leaves the tensor");
  rejected(copy_case(a, b, {2, 2, 1, 1, 2, 1, 1, 0, 0, 0}), "twice");
  rejected(copy_case(a, b, {1, 6, 1, 0, 0, 0, 0}), "must be positive");
  rejected(copy_case(a, b, {1, 6, 1, 1, 0, 0}), "attributes");
  rejected(copy_case(a, i32({6}), {1, 6, 1, 1, 0, 0, 0}), "expected i32");
  rejected({"gather", {a, i32({2})}, {f32({2, 6})}, {bits(1), bits(0)}}, "[count, width]");
  rejected({"gather", {ring, i32({2})}, {f32({2, 2})}, {bits(1), bits(0)}}, "[2, 3]");
  rejected({"gather", {u8({2, 3}), i32({2})}, {i32({2, 3})}, {bits(2), bits(0)}}, "scale 1");
  rejected({"ring_write", {one, f32({2})}, {ring}, {}}, "have 2 elements");
  rejected({"counter_add", {}, {i64({2})}, {1}}, "expected [1]");
}
