// gemm on the shapes that training runs: GFLOP/s and the share of the peak of fused multiply-adds measured beside it,
// on one thread and on two, bare and with a bias and a leaky ReLU in the epilogue. Built with -DKANTOR_BUILD_BENCH=ON.
//
//   gemm_bench [M N K transposes]...     transposes: NN, NT, TN or TT; without arguments the table below
//
// Every figure is the best of many batches, and the peak is measured again before every shape, for machines that others
// use too. For x86.
#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "measure.h"
#include "ops/pointwise/pointwise.h"
#include "runtime/cpu/processor.h"
#include "runtime/cpu/team.h"

using namespace kantor;
using namespace kantor::bench;

namespace {

struct Shape {
  int64_t m, n, depth;
  bool transpose_a, transpose_b;
};

// A plan's phases, over and over.
class Repeat : public StageJob {
 public:
  Repeat(const Plan& plan, std::byte* scratch) : plan_(plan), scratch_(scratch) {}
  int iterations = 1;

  int tasks(int stage) const override { return plan_.phases[static_cast<size_t>(stage)].tasks; }
  void run(int stage, int first, int last, int) override {
    for (int task = first; task < last; ++task) plan_.phases[static_cast<size_t>(stage)].body(task, scratch_);
  }
  int next(int stage) override {
    if (stage == kEnd) left_ = iterations, stage = -1;
    if (stage + 1 < static_cast<int>(plan_.phases.size())) return stage + 1;
    return --left_ > 0 ? 0 : kEnd;
  }

 private:
  const Plan& plan_;
  std::byte* scratch_;
  int left_ = 0;
};

int64_t word(Pw op, int dst, int a, int b, float imm) {
  return static_cast<int64_t>(static_cast<uint64_t>(op) | static_cast<uint64_t>(dst) << 8 |
                              static_cast<uint64_t>(a) << 16 | static_cast<uint64_t>(b) << 24 |
                              uint64_t{std::bit_cast<uint32_t>(imm)} << 32);
}

Tensor matrix(const Block& block, int64_t rows, int64_t cols) {
  Tensor t;
  t.data = block.data();
  t.rank = 2;
  t.dims[0] = rows;
  t.dims[1] = cols;
  return t;
}

class Bench {
 public:
  explicit Bench(Isa isa) : isa_(isa) {}

  void run(const Shape& s) {
    for (int i = 0; i < 20; ++i) peak_ = std::max(peak_, multiply_add_rate(isa_));
    Block a = random_block(s.m * s.depth), b = random_block(s.depth * s.n), bias = random_block(s.n),
          c = random_block(s.m * s.n);
    Node node = {"gemm", {}, {matrix(c, s.m, s.n)}, {s.transpose_a, s.transpose_b, s.m, s.n}};
    node.in = {s.transpose_a ? matrix(a, s.depth, s.m) : matrix(a, s.m, s.depth),
               s.transpose_b ? matrix(b, s.n, s.depth) : matrix(b, s.depth, s.n)};
    Node fused = node;
    node.attributes.insert(node.attributes.end(), {0, 1, 0});
    fused.in.push_back(matrix(bias, 1, s.n));
    fused.attributes.insert(fused.attributes.end(), {1, 1, 0, 1, 1, 5, word(Pw::accumulator, 0, 0, 0, 0),
                                                     word(Pw::input, 1, 0, 0, 0), word(Pw::add, 0, 0, 1, 0),
                                                     word(Pw::leaky_relu, 0, 0, 0, 0.2f), word(Pw::store, 0, 0, 0, 0)});
    const double flops = 2.0 * static_cast<double>(s.m) * static_cast<double>(s.n) * static_cast<double>(s.depth);
    std::printf("%5ld x %5ld x %5ld %c%c", s.m, s.n, s.depth, s.transpose_a ? 'T' : 'N', s.transpose_b ? 'T' : 'N');
    for (const Node* n : {&node, &fused})
      for (int threads : {1, 2}) {
        double time = best_time(*n, threads, flops);
        std::printf(" | %8.1f us %6.1f %4.0f %%", time * 1e6, flops / time * 1e-9,
                    100 * flops / time / (threads * peak_));
      }
    std::printf("\n");
    std::fflush(stdout);
  }

  double peak() const { return peak_; }

 private:
  double best_time(const Node& node, int threads, double flops) {
    const OpEntry* op = find_op("gemm");
    op->validate(node);
    Plan plan;
    op->prepare[static_cast<int>(isa_)](node, plan);
    Block scratch(plan.scratch_bytes + 64, "scratch");
    Team team(threads);
    Repeat job(plan, scratch.data());
    job.iterations = std::max(1, static_cast<int>(200e-6 / (flops / 200e9 + 1e-6)));
    double best = 1e9;
    for (int batch = 0, batches = std::max(5, static_cast<int>(60e-3 / (flops / 200e9 * job.iterations)));
         batch < std::min(batches, 150); ++batch) {
      double begin = seconds();
      team.run(job);
      best = std::min(best, (seconds() - begin) / job.iterations);
    }
    return best;
  }

  Isa isa_;
  double peak_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  std::vector<Shape> shapes;
  for (int i = 1; i + 3 < argc; i += 4)
    shapes.push_back({std::atol(argv[i]), std::atol(argv[i + 1]), std::atol(argv[i + 2]), argv[i + 3][0] == 'T',
                      argv[i + 3][1] == 'T'});
  if (argc == 1) {
    for (int64_t batch : {64, 128, 192, 512, 1536})
      shapes.insert(shapes.end(), {{batch, 256, 784, false, true},
                                   {batch, 256, 256, false, true},
                                   {batch, 1, 256, false, true},
                                   {batch, 256, 100, false, true},
                                   {batch, 784, 256, false, true},
                                   {batch, 784, 256, false, false},
                                   {batch, 256, 256, false, false},
                                   {batch, 256, 1, false, false},
                                   {256, 784, batch, true, false},
                                   {256, 256, batch, true, false},
                                   {784, 256, batch, true, false},
                                   {1, 256, batch, true, false},
                                   {256, 100, batch, true, false}});
    shapes.insert(shapes.end(), {{64, 1024, 3136, false, true},
                                 {64, 3136, 100, false, true},
                                 {1024, 3136, 64, true, false},
                                 {512, 1024, 3136, false, true},
                                 {512, 512, 512, false, false},
                                 {512, 512, 512, false, true},
                                 {512, 512, 512, true, false},
                                 {1024, 1024, 1024, false, false}});
  }
  Isa isa = best_isa();
  std::printf("%s, %s\n%24s | bare: 1 thread, GFLOP/s, of peak | 2 threads | bias, leaky relu: 1 thread | 2 threads\n",
              processor_name().c_str(), name_of(isa), "M x N x K");
  Bench bench(isa);
  for (const Shape& s : shapes) bench.run(s);
  std::printf("peak of one thread: %.1f GFLOP/s\n", bench.peak() * 1e-9);
}
