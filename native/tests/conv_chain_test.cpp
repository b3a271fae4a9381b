// conv2d_chain against its reference, and what it rejects.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

#include "ops/conv2d_chain/conv2d_chain.h"
#include "runtime/cpu/processor.h"
#include "runtime/memory.h"
#include "support.h"

using namespace kantor;
using namespace kantor::test;

namespace {

struct Layer {
  int64_t o, r, s, sh = 1, sw = 1, ph = 1, pw = 1, dh = 1, dw = 1;
  ChainActivation activation = ChainActivation::relu;
  int more = -1;  // transposed, with so many rows and columns of output padding
};
struct Chain {
  int64_t n, c, h, w;
  std::vector<Layer> layers;
};

constexpr ChainActivation kNone = ChainActivation::none, kRelu = ChainActivation::relu,
                          kLeaky = ChainActivation::leaky_relu;

const Chain kChains[] = {
    // A generator's, at fewer images.
    {2, 1, 56, 56, {{64, 3, 3}, {32, 3, 3}, {1, 3, 3, 2, 2}}},
    {9, 1, 28, 20, {{16, 3, 3}, {24, 3, 3}, {3, 3, 3, 2, 2}}},
    // Two layers; from few channels, to few, from and to many.
    {3, 3, 19, 17, {{33, 3, 3, 1, 1, 1, 1, 1, 1, kLeaky}, {17, 3, 3}}},
    {1, 17, 23, 18, {{18, 3, 3, 1, 1, 0, 1, 1, 1, kNone}, {2, 3, 3}}},
    {2, 20, 9, 31, {{16, 3, 3}, {16, 3, 3}}},
    // Few tiles; rows of one; planes of one.
    {1, 16, 5, 5, {{16, 3, 3}, {16, 3, 3, 1, 1, 0, 0, 1, 1, kNone}, {16, 3, 3, 1, 1, 0, 0}}},
    {1, 2, 1, 40, {{16, 3, 3}, {16, 3, 3}, {1, 3, 3}}},
    {5, 1, 1, 1, {{1, 1, 1, 1, 1, 0, 0}, {1, 1, 1, 1, 1, 0, 0}}},
    // Few channels between many, and between few.
    {1, 16, 12, 13, {{1, 3, 3, 1, 1, 1, 1, 1, 1, kLeaky}, {16, 3, 3}, {3, 3, 3}, {5, 3, 3}}},
    {11, 3, 7, 6, {{2, 2, 3}, {7, 3, 2, 1, 1, 0, 2}, {4, 1, 1, 1, 1, 0, 0}}},
    // Strides beyond the kernel, dilation, padding beyond its reach, kernels of even and unequal sides.
    {2, 2, 31, 29, {{17, 2, 4, 3, 2, 1, 3, 2, 1, kNone}, {1, 3, 3, 5, 4, 2, 0}}},
    {1, 3, 17, 19, {{40, 3, 3, 1, 1, 2, 2, 2, 2}, {2, 3, 3, 1, 1, 3, 3, 3, 3}}},
    {2, 1, 6, 5, {{16, 3, 3, 1, 1, 5, 4}, {16, 3, 3, 1, 1, 4, 3}, {1, 5, 5, 2, 1, 6, 7}}},
    {1, 1, 40, 3, {{16, 1, 1, 1, 1, 0, 0}, {1, 9, 1, 7, 1, 4, 0}, {16, 1, 1, 1, 1, 0, 0}}},
    {1, 1, 300, 2, {{16, 3, 3}, {16, 3, 3}, {1, 3, 3}}},
    {1, 1, 7, 210, {{16, 3, 3}, {35, 3, 3}, {9, 3, 3}}},
    // Transposed: a decoder's, at fewer images; by Winograd's algorithm; with padding that crops; strides beyond the kernel.
    {3, 32, 7, 7, {{16, 4, 4, 2, 2, 1, 1, 1, 1, kRelu, 0}, {1, 4, 4, 2, 2, 1, 1, 1, 1, kNone, 0}}},
    {2, 1, 11, 14, {{16, 3, 3, 1, 1, 1, 1, 1, 1, kRelu, 0}, {18, 3, 3, 1, 1, 1, 0, 1, 1, kLeaky, 0}, {2, 3, 3, 2, 2}}},
    {1, 17, 6, 9, {{16, 3, 3, 1, 1, 3, 4, 1, 1, kLeaky, 0}, {19, 3, 3, 1, 1, 0, 0, 1, 1, kNone, 0}}},
    {2, 3, 5, 4, {{5, 2, 3, 3, 5, 0, 1, 1, 1, kLeaky, 1}, {17, 3, 2, 2, 3, 4, 2, 2, 3, kRelu, 1}, {3, 3, 3}}},
    {1, 16, 3, 5, {{2, 3, 3, 3, 2, 1, 1, 2, 1, kRelu, 1}, {9, 3, 3, 4, 3}, {16, 1, 1, 2, 2, 0, 0, 1, 1, kNone, 1}}},
};

int64_t extent(int64_t in, int64_t k, int64_t stride, int64_t pad, int64_t dilation, int more) {
  if (more >= 0) return (in - 1) * stride - 2 * pad + dilation * (k - 1) + 1 + more;
  return (in + 2 * pad - dilation * (k - 1) - 1) / stride + 1;
}

int64_t word(Pw op, int dst, int a, int b, float immediate = 0) {
  return static_cast<int64_t>(static_cast<uint64_t>(op) | static_cast<uint64_t>(dst) << 8 |
                              static_cast<uint64_t>(a) << 16 | static_cast<uint64_t>(b) << 24 |
                              uint64_t{std::bit_cast<uint32_t>(immediate)} << 32);
}

// Weights of both signs that keep the sums' size, and a bias and a leaky ReLU after the last layer.
OpCase op_case(const Chain& chain) {
  OpCase op = {"conv2d_chain", {random({chain.n, chain.c, chain.h, chain.w}, 1)}, {}, {}};
  op.attributes = {static_cast<int64_t>(chain.layers.size())};
  int64_t c = chain.c, h = chain.h, w = chain.w;
  for (size_t k = 0; k < chain.layers.size(); ++k) {
    const Layer& z = chain.layers[k];
    const double size = 2 / std::sqrt(static_cast<double>(c * z.r * z.s));
    const bool transposed = z.more >= 0;
    op.in.push_back(random(DType::f32, {transposed ? c : z.o, transposed ? z.o : c, z.r, z.s}, 2 + k, -size, size));
    op.in.push_back(random(DType::f32, {z.o, 1, 1}, 12 + k, -0.5, 0.5));
    h = extent(h, z.r, z.sh, z.ph, z.dh, z.more);
    w = extent(w, z.s, z.sw, z.pw, z.dw, z.more);
    op.attributes.insert(op.attributes.end(), {transposed ? 1 : 0, z.sh, z.sw, z.ph, z.pw, z.dh, z.dw, h, w});
    if (k + 1 < chain.layers.size())
      op.attributes.insert(op.attributes.end(), {static_cast<int64_t>(z.activation), bits(0.25f)});
    c = z.o;
  }
  op.out.push_back(f32({chain.n, c, h, w}));
  op.attributes.insert(op.attributes.end(), {chain.n * c, h * w, 1, c, 1, 0, 1, 5, word(Pw::accumulator, 0, 0, 0),
                                             word(Pw::input, 1, 0, 0), word(Pw::add, 2, 0, 1),
                                             word(Pw::leaky_relu, 2, 2, 0, 0.5f), word(Pw::store, 0, 2, 0)});
  return op;
}

// At most.
int64_t multiplications(const Chain& chain) {
  int64_t c = chain.c, h = chain.h, w = chain.w, sum = 0;
  for (const Layer& z : chain.layers) {
    h = extent(h, z.r, z.sh, z.ph, z.dh, z.more);
    w = extent(w, z.s, z.sw, z.pw, z.dw, z.more);
    sum += chain.n * h * w * z.o * c * z.r * z.s;
    c = z.o;
  }
  return sum;
}

std::string rejection(const OpCase& op) {
  const Rejection r = try_op(op);
  CHECK_EQ(r.status, KT_INVALID_ARGUMENT);
  return r.message;
}

}  // namespace

TEST_CASE("conv2d_chain gives what its layers give one by one, on every instruction set and number of threads") {
  for (const Chain& chain : kChains) {
    CAPTURE(&chain - kChains);
    for (Precision precision : tested_precisions()) {
      CAPTURE(std::string(name_of(precision)));
      OpCase c = op_case(chain);
      c.precision = precision;
      // Of the largest element, so that errors of several layers are a few of one.
      const int64_t often = precision == Precision::fp32 ? 2 : 16;
      if (affordable(often * multiplications(chain))) check_op(c, 4e-6 + 4 * rounding_of(precision), 1, 1);
    }
  }
}

TEST_CASE("conv2d_chain takes nothing from what lies in its memory, and its tasks come in any order") {
  for (Isa isa : {Isa::portable, Isa::avx2, Isa::avx512}) {
    if (isa > best_isa()) continue;
    CAPTURE(static_cast<int>(isa));
    for (const Chain& chain : kChains) {
      CAPTURE(&chain - kChains);
      const OpCase op = op_case(chain);
      Value results[2] = {op.out[0], op.out[0]};
      for (int filling : {0x00, 0xFF}) {  // zeros, and numbers that are none
        Node node = {op.op, {}, {results[filling & 1].tensor()}, op.attributes};
        for (const Value& in : op.in) node.in.push_back(in.tensor());
        Plan plan;
        find_op(op.op)->prepare[static_cast<int>(isa)](node, plan);
        Block scratch(plan.scratch_bytes + 64, "scratch");
        std::memset(scratch.data(), filling, plan.scratch_bytes);
        for (const Phase& phase : plan.phases)
          for (int i = 0; i < phase.tasks; ++i)
            phase.body(filling == 0 ? i : phase.tasks - 1 - i, scratch.data());
      }
      CHECK(same_bits(results[0], results[1]));
    }
  }
}

TEST_CASE("conv2d_chain rejects what is no chain") {
  const Chain chain = {2, 1, 8, 8, {{4, 3, 3}, {5, 3, 3}, {1, 3, 3, 2, 2}}};
  auto with = [&](auto change) {
    OpCase op = op_case(chain);
    change(op);
    return rejection(op);
  };
  CHECK(with([](OpCase& op) { op.attributes[0] = 1; }).find("1 layers; expected 2 to 8") != std::string::npos);
  CHECK(with([](OpCase& op) { op.attributes[0] = 9; }).find("9 layers; expected 2 to 8") != std::string::npos);
  CHECK(with([](OpCase& op) { op.in[2] = f32({3}); }).find("bias 1 is f32[3]; expected 4 elements") != std::string::npos);
  CHECK(with([](OpCase& op) { op.in[3] = f32({5, 3, 3, 3}); }).find("expected [*, 4, *, *]") != std::string::npos);
  CHECK(with([](OpCase& op) { op.in[5] = i32({1, 5, 3, 3}); }).find("a weight or bias") != std::string::npos);
  CHECK(with([](OpCase& op) { op.attributes[2] = 0; }).find("stride 0") != std::string::npos);
  CHECK(with([](OpCase& op) { op.attributes[10] = 3; }).find("activation 1 is 3") != std::string::npos);
  CHECK(with([](OpCase& op) { op.in[1] = f32({4, 1, 11, 3}); }).find("does not fit") != std::string::npos);
  CHECK(with([](OpCase& op) { op.attributes[1] = 2; }).find("transposed is 2; expected 0 or 1") != std::string::npos);
  CHECK(with([](OpCase& op) { op.attributes[8] = 7; }).find("gives 8") != std::string::npos);
  CHECK(with([](OpCase& op) { op.out[0] = f32({2, 1, 5, 4}); }).find("expected 5") != std::string::npos);
  CHECK(with([](OpCase& op) { *(op.attributes.end() - 15) = 3; }).find("as the last layer's words say") !=
        std::string::npos);
  CHECK(with([](OpCase& op) { op.attributes.push_back(0); }).find("expected none") != std::string::npos);
  OpCase op = op_case({1, 1, 8, 8, {{1, 3, 3}, {1, 3, 3}}});
  op.alias = {0};
  CHECK(rejection(op).find("an output overlaps input 0") != std::string::npos);
}
