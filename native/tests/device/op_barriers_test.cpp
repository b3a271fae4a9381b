// A barrier that is dropped from an op's kernels must be noticed by the checker or in the result, or it is not needed.
#include <doctest/doctest.h>

#include <cstring>

#include "ops/optimizer/optimizer.h"
#include "runtime/cuda/emulator/emulator.h"
#include "support.h"

using namespace kantor;
using namespace kantor::test;

namespace {

constexpr const char* kDevice = "cuda-emulated";

// A sum of register 0, which is the operand.
OpCase reduce(int64_t kind, int64_t rows, int64_t cols, int64_t sums, int64_t channels) {
  return {"reduce", {random({rows, cols}, 1)}, {f32({sums})},
          {kind, bits(1), 0, channels, rows, cols, 1, rows, cols, 1, 0, 1, 0}};
}

OpCase gemm(int64_t m, int64_t n, int64_t depth) {
  return {"gemm", {random({m, depth}, 1), random({depth, n}, 2)}, {f32({m, n})}, {0, 0, m, n, 0, 1, 0}};
}

OpCase batch_stats(std::vector<int64_t> dims) {
  Value x = random(dims, 1), c = random({dims[1]}, 2);
  return {"batch_stats", {x, c, c}, {c, c, c, c, c}, {bits(1e-5f)}};
}
OpCase batch_norm(std::vector<int64_t> dims) {
  Value x = random(dims, 1), c = random({dims[1]}, 2);
  int64_t cols = dims.size() == 4 ? dims[2] * dims[3] : 1;
  return {"batch_norm", {x, c, c}, {c, c, c, x}, {bits(1e-5f), dims[0] * dims[1], cols, 0, 1, 0}};
}
OpCase batch_norm_grad(std::vector<int64_t> dims) {
  Value x = random(dims, 1), dy = random(dims, 2), c = random({dims[1]}, 3);
  return {"batch_norm_grad", {dy, x, c, c, c}, {dy, c, c}, {}, {0, -1, -1}};
}

// Of 3 x 3, padding 1; the third tensor is what the first two make.
OpCase conv(const char* op, std::vector<int64_t> a, std::vector<int64_t> b, std::vector<int64_t> out,
            int64_t stride = 2) {
  OpCase c = {op, {random(a, 1), random(b, 2)}, {f32(out)}, {stride, stride, 1, 1, 1, 1, -1}};
  if (c.op == "conv2d_weight_grad") c.attributes.push_back(-1);
  else c.attributes.insert(c.attributes.end(), {out[0] * out[1], out[2] * out[3], 0, 1, 0});
  return c;
}

// 0, 1, .. period - 1, 0, 1, ..
std::vector<double> cycle(size_t count, size_t period) {
  std::vector<double> all(count);
  for (size_t i = 0; i < count; ++i) all[i] = static_cast<double>(i % period);
  return all;
}

// Kernels with barriers, each with several blocks and several warps, parts and tickets where it has them.
std::vector<OpCase> cases() {
  Value g = random({3, 600}, 1), p = random({1500}, 2), m = f32({1500}), v = f32({1500});
  Value hyper = f32({8}, {1e-3, 0.5, 0.9, 1e-8, 0, 0, 0, 0});
  return {gemm(20, 40, 300),
          gemm(33, 5, 16),
          reduce(0, 200, 100, 1, 1),
          reduce(1, 3, 600, 3, 1),
          reduce(2, 1100, 40, 40, 1),
          {"row_penalty", {g}, {f32({1}), f32({3, 600}), f32({3})}, {bits(10), bits(1), 0}},
          {"row_penalty", {random({70, 5}, 1)}, {f32({1}), f32({70, 5}), f32({70})}, {bits(10), bits(1), 0}},
          {"pool_scatter", {random({2, 1, 16, 20}, 1), i32({2, 1, 16, 20}, cycle(640, 250))}, {f32({2, 1, 16, 16})}, {}},
          conv("conv2d", {2, 17, 9, 9}, {35, 17, 3, 3}, {2, 35, 5, 5}),
          conv("conv2d_data_grad", {2, 35, 5, 5}, {35, 17, 3, 3}, {2, 17, 9, 9}),
          conv("conv2d_weight_grad", {8, 35, 5, 5}, {8, 4, 9, 9}, {35, 4, 3, 3}),
          conv("conv2d", {2, 17, 5, 8}, {35, 17, 3, 3}, {2, 35, 5, 8}, 1),
          conv("conv2d_weight_grad", {4, 35, 5, 8}, {4, 17, 5, 8}, {35, 17, 3, 3}, 1),
          conv("conv2d_weight_grad", {4, 35, 5, 8}, {4, 2, 5, 8}, {35, 2, 3, 3}, 1),
          batch_stats({3, 2, 56, 56}),
          batch_norm({300, 40}),
          batch_norm({30, 2, 5, 5}),
          batch_norm_grad({300, 40}),
          batch_norm_grad({3, 2, 56, 56}),
          batch_norm_grad({30, 2, 5, 5}),
          {"layer_norm", {random({3, 600}, 1), random({600}, 2), random({600}, 3)},
           {f32({3, 600}), f32({3}), f32({3})}, {bits(1e-5f)}},
          {"layer_norm_grad", {random({2, 600}, 1), random({2, 600}, 2), random({600}, 3), random({2}, 4), random({2}, 5)},
           {f32({2, 600}), f32({600}), f32({600})}, {}},
          {"layer_norm_grad", {random({300, 5}, 1), random({300, 5}, 2), random({5}, 3), random({300}, 4), random({300}, 5)},
           {f32({300, 5}), f32({5}), f32({5})}, {}},
          {"gradient_norms", {i64({1}, {7}), random({5000}, 3), random({3}, 4)}, {f32({3}), i64({4})}, {0}},
          {"optimizer", {hyper, random({1500}, 5)}, {i64({1}), p, m, v},
           {static_cast<int64_t>(OptimizerKind::adam), 1, 0, 0}}};
}

std::vector<emulator::Site> barriers_of(const OpCase& c) {
  emulator::take_barriers();
  run_op(c, kDevice, 1);
  return emulator::take_barriers();
}

// Whether the op without this barrier fails, or gives other bits in some order of threads.
bool noticed(const OpCase& c, const std::vector<Value>& want) {
  for (int threads : {1, 2}) {
    Outcome got = attempt_op(c, kDevice, threads);
    if (got.status != KT_OK) return true;
    for (size_t k = 0; k < want.size(); ++k)
      if (!same_bits(got.out[k], want[k])) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("each barrier dropped from an op's kernels is noticed") {
  size_t dropped = 0;
  for (const OpCase& c : cases()) {
    CAPTURE(c.op);
    std::vector<Value> want = run_op(c, kDevice, 1);
    for (const emulator::Site& site : barriers_of(c)) {
      emulator::options().skipped_barrier = site;
      bool found = noticed(c, want);
      emulator::options().skipped_barrier = {};
      CHECK_MESSAGE(found, "the barrier at " << site.file << ":" << site.line);
      ++dropped;
    }
  }
  CHECK_GE(dropped, 20);
}
