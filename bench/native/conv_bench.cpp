// The three convolutions on the shapes that training runs, each by every method that can compute it: time, share of the
// peak, and rounding error. On one thread. Built with -DKANTOR_BUILD_BENCH=ON.
//
//   conv_bench [images [repetitions [instruction set [name]]]]     64 images, 5 repetitions, the best, all shapes
//
// A time is the smallest of the repetitions of a whole op, in processor time, so that others on the machine disturb it
// little. GFLOP/s are those of the plain sum whatever the method. The floor is the plain sum's FLOPs at the peak of
// fused multiply-adds, for Winograd's F(m x m, 3 x 3) that of its products, whole tiles counted. The error, over one
// image, is root mean square of the difference from the reference over that of the reference.
#include <time.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "measure.h"
#include "ops/conv2d/conv_method.h"
#include "runtime/cpu/processor.h"

using namespace kantor;
using namespace kantor::bench;

namespace {

struct Shape {
  const char* name;
  int64_t c, hw, o, k, stride, pad;
};

const Shape kShapes[] = {
    {"generator 1->64, 56", 1, 56, 64, 3, 1, 1},     {"generator 64->32, 56", 64, 56, 32, 3, 1, 1},
    {"generator 32->1, 56->28", 32, 56, 1, 3, 2, 1}, {"critic 1->32, 28", 1, 28, 32, 3, 1, 1},
    {"critic 32->64, 14", 32, 14, 64, 3, 1, 1},      {"CVAE 1->16, 28->14", 1, 28, 16, 3, 2, 1},
    {"CVAE 16->32, 14->7", 16, 14, 32, 3, 2, 1},     {"CVAE 32->32, 7", 32, 7, 32, 3, 1, 1},
    {"16->32, 4x4, 14->7", 16, 14, 32, 4, 2, 1},     {"1->16, 4x4, 28->14", 1, 28, 16, 4, 2, 1},
    // What decides between the methods.
    {"8->8, 28", 8, 28, 8, 3, 1, 1},                 {"16->16, 28", 16, 28, 16, 3, 1, 1},
    {"3->64, 32", 3, 32, 64, 3, 1, 1},               {"64->3, 32", 64, 32, 3, 3, 1, 1},
    {"128->128, 8", 128, 8, 128, 3, 1, 1},           {"256->256, 4", 256, 4, 256, 3, 1, 1},
    {"32->32, 5", 32, 5, 32, 3, 1, 1},               {"32->32, 3", 32, 3, 32, 3, 1, 1},
    {"32->32, 2", 32, 2, 32, 3, 1, 1},
};

using Prepare = void (*)(ConvMethod, const Node&, Plan&);
struct Op {
  const char *name, *label;
  Prepare prepare[3];  // by Isa
};
const Op kOps[] = {
    {"conv2d", "forward", {portable::prepare_conv2d_by, avx2::prepare_conv2d_by, avx512::prepare_conv2d_by}},
    {"conv2d_data_grad",
     "data gradient",
     {portable::prepare_conv2d_data_grad_by, avx2::prepare_conv2d_data_grad_by, avx512::prepare_conv2d_data_grad_by}},
    {"conv2d_weight_grad",
     "weight gradient",
     {portable::prepare_conv2d_weight_grad_by, avx2::prepare_conv2d_weight_grad_by,
      avx512::prepare_conv2d_weight_grad_by}},
};

double processor_seconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// A convolution of n images: its operands, and the node of each op.
class Case {
 public:
  Case(const Shape& s, int64_t n)
      : s_(s),
        n_(n),
        q_((s.hw + 2 * s.pad - s.k) / s.stride + 1),
        x_(random_block(n * s.c * s.hw * s.hw)),
        w_(random_block(s.o * s.c * s.k * s.k)),
        y_(random_block(n * s.o * q_ * q_)),
        large_{x_.data(), DType::f32, 4, {n, s.c, s.hw, s.hw}},
        weight_{w_.data(), DType::f32, 4, {s.o, s.c, s.k, s.k}},
        small_{y_.data(), DType::f32, 4, {n, s.o, q_, q_}} {}

  Node node(int op) const {
    std::vector<int64_t> words = {s_.stride, s_.stride, s_.pad, s_.pad, 1, 1};
    words.push_back(-1);
    if (op == 2) {
      words.push_back(-1);
      return {kOps[op].name, {small_, large_}, {weight_}, words};
    }
    words.insert(words.end(), {n_ * (op == 0 ? s_.o : s_.c), op == 0 ? q_ * q_ : s_.hw * s_.hw, 0, 1, 0});
    if (op == 0) return {kOps[op].name, {large_, weight_}, {small_}, words};
    return {kOps[op].name, {small_, weight_}, {large_}, words};
  }
  ConvShape shape() const { return conv_shape(node(0), large_, weight_, small_); }
  double flops() const { return 2.0 * static_cast<double>(n_ * s_.o * q_ * q_ * s_.c * s_.k * s_.k); }
  // Of the method's multiplications; op 1 has its tiles in X.
  double work(int op, ConvMethod method) const {
    if (method == ConvMethod::direct) return flops();
    const int64_t m = method == ConvMethod::winograd4 ? 4 : 2, side = op == 1 ? s_.hw : q_;
    const int64_t tiles = ((side + m - 1) / m) * ((side + m - 1) / m);
    return 2.0 * static_cast<double>(n_ * s_.o * s_.c * tiles * (m + 2) * (m + 2));
  }

 private:
  Shape s_;
  int64_t n_, q_;
  Block x_, w_, y_;
  Tensor large_, weight_, small_;
};

class Bench {
 public:
  Bench(Isa isa, int repetitions) : isa_(isa), repetitions_(repetitions) {}

  void run(const Shape& s, int64_t n) {
    Case many(s, n);
    std::printf("%s: %.1f MFLOP\n", s.name, many.flops() * 1e-6);
    for (int op = 0; op < 3; ++op) {
      const ConvMethod chosen = conv_method(many.shape());
      double plain = 0;
      for (ConvMethod method : {ConvMethod::direct, ConvMethod::winograd2, ConvMethod::winograd4}) {
        if (method != ConvMethod::direct && !winograd_fits(many.shape())) continue;
        double time = seconds_of(many.node(op), op, method);
        if (method == ConvMethod::direct) plain = time;
        const double floor = many.work(op, method) / peak_;
        std::printf("  %-16s%-8s %9.1f us %6.1f GFLOP/s | floor %9.1f us, %3.0f %% | %5.2f of direct | error %.1e%s\n",
                    kOps[op].label, name(method), time * 1e6, many.flops() / time * 1e-9, floor * 1e6,
                    100 * floor / time, plain / time, error(s, op, method), method == chosen ? " *" : "");
        std::fflush(stdout);
      }
    }
  }

  double peak() const { return peak_; }

 private:
  static const char* name(ConvMethod method) {
    return method == ConvMethod::direct ? "direct" : method == ConvMethod::winograd2 ? "F(2x2)" : "F(4x4)";
  }

  static void run_plan(const Plan& plan, const Block& scratch) {
    for (const Phase& phase : plan.phases)
      for (int task = 0; task < phase.tasks; ++task) phase.body(task, scratch.data());
  }

  double seconds_of(const Node& node, int op, ConvMethod method) {
    find_op(node.op)->validate(node);
    Plan plan;
    kOps[op].prepare[static_cast<int>(isa_)](method, node, plan);
    Block scratch(plan.scratch_bytes + 64, "scratch");
    double best = 1e9;
    for (int i = 0; i < repetitions_; ++i) {
      double begin = processor_seconds();
      run_plan(plan, scratch);
      best = std::min(best, processor_seconds() - begin);
      peak_ = std::max(peak_, multiply_add_rate(isa_));
    }
    return best;
  }

  double error(const Shape& s, int op, ConvMethod method) {
    Case one(s, 1);
    Node node = one.node(op);
    const Tensor& out = node.out[0];
    Block wanted(static_cast<uint64_t>(out.bytes()), "what the reference gives");
    find_op(node.op)->reference(node);
    std::memcpy(wanted.data(), out.data, static_cast<size_t>(out.bytes()));
    Plan plan;
    kOps[op].prepare[static_cast<int>(isa_)](method, node, plan);
    Block scratch(plan.scratch_bytes + 64, "scratch");
    run_plan(plan, scratch);
    double difference = 0, square = 0;
    for (int64_t i = 0; i < out.count(); ++i) {
      const double want = reinterpret_cast<const float*>(wanted.data())[i], got = out.get(i);
      difference += (got - want) * (got - want);
      square += want * want;
    }
    return std::sqrt(difference / square);
  }

  Isa isa_;
  int repetitions_;
  double peak_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const int64_t images = argc > 1 ? std::atol(argv[1]) : 64;
  Isa isa = best_isa();
  for (Isa other : {Isa::portable, Isa::avx2})
    if (argc > 3 && std::string(name_of(other)) == argv[3]) isa = other;
  std::printf("%s, %s, %ld images; * is what is taken\n", processor_name().c_str(), name_of(isa), images);
  Bench bench(isa, argc > 2 ? std::atoi(argv[2]) : 5);
  for (const Shape& s : kShapes)
    if (argc <= 4 || std::string(s.name).find(argv[4]) != std::string::npos) bench.run(s, images);
  std::printf("peak of one thread: %.1f GFLOP/s\n", bench.peak() * 1e-9);
}
