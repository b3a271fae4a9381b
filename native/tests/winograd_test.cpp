// Winograd's convolutions, also of shapes for which another method is taken, by their rounding errors: the contract of
// conv_method.h.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "ops/conv2d/conv_method.h"
#include "runtime/cpu/processor.h"
#include "runtime/memory.h"
#include "support.h"

using namespace kantor;
using namespace kantor::test;

namespace {

struct Planes {
  int64_t n, c, h, w, o, ph, pw;
};

const Planes kPlanes[] = {
    {1, 64, 56, 56, 32, 1, 1}, {3, 32, 14, 14, 64, 1, 1}, {9, 32, 7, 7, 32, 1, 1},   {1, 1, 1, 1, 1, 1, 1},
    {2, 1, 13, 11, 1, 0, 0},   {1, 3, 1, 300, 5, 1, 1},   {2, 5, 47, 1, 3, 1, 1},    {1, 17, 5, 3, 31, 0, 0},
    {1, 2, 3, 3, 2, 0, 0},     {2, 4, 6, 9, 7, 2, 2},     {2, 3, 4, 5, 17, 3, 4},    {11, 7, 3, 2, 2, 1, 1},
    {1, 16, 19, 23, 16, 1, 2}, {1, 33, 8, 70, 65, 1, 0},  {2, 130, 9, 10, 15, 0, 1}, {70, 2, 5, 5, 3, 1, 1},
};

struct Op {
  const char* name;
  void (*prepare[3])(ConvMethod, const Node&, Plan&);  // by Isa
};
#if defined(__x86_64__)
#define KANTOR_BY_ISA(f) {portable::f, avx2::f, avx512::f}
#else
#define KANTOR_BY_ISA(f) {portable::f, nullptr, nullptr}
#endif
const Op kOps[] = {{"conv2d", KANTOR_BY_ISA(prepare_conv2d_by)},
                   {"conv2d_data_grad", KANTOR_BY_ISA(prepare_conv2d_data_grad_by)},
                   {"conv2d_weight_grad", KANTOR_BY_ISA(prepare_conv2d_weight_grad_by)}};

Value magnitudes(Value v) {
  for (int64_t i = 0; i < v.count(); ++i) v.set(i, std::abs(v.get(i)));
  return v;
}

// A convolution's factors and its result.
struct Operands {
  Value a, b, out;
  std::vector<int64_t> attributes;

  Operands(const Planes& z, int op) : attributes({1, 1, z.ph, z.pw, 1, 1, -1}) {
    const int64_t p = z.h + 2 * z.ph - 2, q = z.w + 2 * z.pw - 2;
    Value x = random({z.n, z.c, z.h, z.w}, 1), weight = random({z.o, z.c, 3, 3}, 2), y = random({z.n, z.o, p, q}, 3);
    a = op == 0 ? x : y;
    b = op == 2 ? x : weight;
    out = op == 0 ? y : op == 1 ? x : weight;
    if (op == 2) attributes.push_back(-1);
    else attributes.insert(attributes.end(), {out.dims[0] * out.dims[1], out.dims[2] * out.dims[3], 0, 1, 0});
  }
  Node node(int op) const { return {kOps[op].name, {a.tensor(), b.tensor()}, {out.tensor()}, attributes}; }
};

// Tasks in no good order, in memory full of NaN.
void run_backwards(const Plan& plan) {
  Block scratch(plan.scratch_bytes + 64, "scratch");
  std::memset(scratch.data(), 0xFF, plan.scratch_bytes);
  for (const Phase& phase : plan.phases)
    for (int task = phase.tasks; task-- > 0;) phase.body(task, scratch.data());
}

// The largest difference from the reference, in the largest sum of the magnitudes of an element's terms.
double worst_error(const Planes& z, int op, ConvMethod method, Isa isa) {
  Operands got(z, op), wanted(z, op), sums(z, op);
  const Node node = got.node(op);
  const OpEntry* entry = find_op(node.op);
  entry->validate(node);
  Plan plan;
  kOps[op].prepare[static_cast<int>(isa)](method, node, plan);
  run_backwards(plan);
  entry->reference(wanted.node(op));
  sums.a = magnitudes(sums.a);
  sums.b = magnitudes(sums.b);
  entry->reference(sums.node(op));
  double worst = 0, largest = 0;
  for (int64_t i = 0; i < got.out.count(); ++i) {
    const double error = std::abs(got.out.get(i) - wanted.out.get(i));
    if (!std::isfinite(error)) return std::numeric_limits<double>::infinity();
    worst = std::max(worst, error);
    largest = std::max(largest, sums.out.get(i));
  }
  return worst / largest;
}

}  // namespace

TEST_CASE("convolutions of every method err by no more than they promise") {
  for (Isa isa : {Isa::portable, Isa::avx2, Isa::avx512}) {
    if (isa > best_isa()) continue;
    CAPTURE(static_cast<int>(isa));
    for (const Planes& z : kPlanes)
      for (int op = 0; op < 3; ++op)
        for (ConvMethod method : {ConvMethod::direct, ConvMethod::winograd2, ConvMethod::winograd4}) {
          CAPTURE(z.n);
          CAPTURE(z.c);
          CAPTURE(z.h);
          CAPTURE(z.w);
          CAPTURE(z.o);
          CAPTURE(op);
          CAPTURE(static_cast<int>(method));
          CHECK_LE(worst_error(z, op, method, isa), error_bound(method));
        }
  }
}
