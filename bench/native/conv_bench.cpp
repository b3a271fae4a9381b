// The three convolutions on the shapes that training runs: GFLOP/s and the share of the peak of fused multiply-adds
// measured beside it, on one thread. Built with -DKANTOR_BUILD_BENCH=ON.
//
//   conv_bench [images [repetitions]]     64 images, 7 repetitions without arguments
//
// An op's time is the sum of its tasks' smallest times, each run several times on end: a whole op takes too long to go
// undisturbed on a machine that others use too. So a task finds its own memory, and its share of the operands, as near
// as the caches can hold them.
#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "measure.h"
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
};

Tensor planes(const Block& block, int64_t n, int64_t c, int64_t h, int64_t w) {
  return {block.data(), DType::f32, 4, {n, c, h, w}};
}

class Bench {
 public:
  Bench(Isa isa, int repetitions) : isa_(isa), repetitions_(repetitions) {}

  void run(const Shape& s, int64_t n) {
    const int64_t q = (s.hw + 2 * s.pad - s.k) / s.stride + 1;
    Block x = random_block(n * s.c * s.hw * s.hw), w = random_block(s.o * s.c * s.k * s.k),
          y = random_block(n * s.o * q * q);
    Tensor large = planes(x, n, s.c, s.hw, s.hw), weight = planes(w, s.o, s.c, s.k, s.k),
           small = planes(y, n, s.o, q, q);
    const std::vector<int64_t> geometry = {s.stride, s.stride, s.pad, s.pad, 1, 1};
    Node forward = {"conv2d", {large, weight}, {small}, geometry};
    forward.attributes.insert(forward.attributes.end(), {-1, n * s.o, q * q, 0, 1, 0});
    Node data_grad = {"conv2d_data_grad", {small, weight}, {large}, geometry};
    data_grad.attributes.insert(data_grad.attributes.end(), {-1, n * s.c, s.hw * s.hw, 0, 1, 0});
    const double flops = 2.0 * static_cast<double>(n * s.o * q * q * s.c * s.k * s.k);
    std::printf("%-24s %7.1f", s.name, flops * 1e-6);
    Node weight_grad = {"conv2d_weight_grad", {small, large}, {weight}, geometry};
    weight_grad.attributes.insert(weight_grad.attributes.end(), {-1, -1});
    for (const Node& node : {forward, data_grad, weight_grad}) {
      double time = task_times(node);
      std::printf(" | %9.1f us %6.1f %4.0f %%", time * 1e6, flops / time * 1e-9, 100 * flops / time / peak_);
    }
    std::printf("\n");
    std::fflush(stdout);
  }

  double peak() const { return peak_; }

 private:
  double task_times(const Node& node) {
    const OpEntry* op = find_op(node.op);
    op->validate(node);
    Plan plan;
    op->prepare[static_cast<int>(isa_)](node, plan);
    Block scratch(plan.scratch_bytes + 64, "scratch");
    double sum = 0;
    for (const Phase& phase : plan.phases)
      for (int task = 0; task < phase.tasks; ++task) {
        double best = 1e9;
        for (int i = 0; i < repetitions_; ++i) {
          double begin = seconds();
          phase.body(task, scratch.data());
          best = std::min(best, seconds() - begin);
        }
        sum += best;
        peak_ = std::max(peak_, multiply_add_rate(isa_));
      }
    return sum;
  }

  Isa isa_;
  int repetitions_;
  double peak_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const int64_t images = argc > 1 ? std::atol(argv[1]) : 64;
  Isa isa = best_isa();
  std::printf("%s, %s, %ld images\n%24s  MFLOP | forward: GFLOP/s, of peak | data gradient | weight gradient\n",
              processor_name().c_str(), name_of(isa), images, "");
  Bench bench(isa, argc > 2 ? std::atoi(argv[2]) : 7);
  for (const Shape& s : kShapes) bench.run(s, images);
  std::printf("peak of one thread: %.1f GFLOP/s\n", bench.peak() * 1e-9);
}
