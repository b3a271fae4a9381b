#include "sample_runs.h"

#include <cmath>
#include <functional>
#include <string>

#include "device_arrays.h"
#include "samples.h"

namespace kantor::test {

namespace {

std::string wrong;

void compare(const char* name, const std::vector<float>& got, const std::function<double(int)>& want, double tolerance) {
  for (size_t i = 0; i < got.size() && wrong.empty(); ++i) {
    double g = static_cast<double>(got[i]), w = want(static_cast<int>(i));
    if (!(std::abs(g - w) <= tolerance * (1 + std::abs(w))))
      wrong = std::string(name) + ": element " + std::to_string(i) + " is " + std::to_string(g) + ", expected " +
              std::to_string(w);
  }
}

double dot(const std::vector<float>& a, int a_at, int a_step, const std::vector<float>& b, int b_at, int b_step, int n) {
  double sum = 0;
  for (int k = 0; k < n; ++k)
    sum += static_cast<double>(a[static_cast<size_t>(a_at + k * a_step)]) *
           static_cast<double>(b[static_cast<size_t>(b_at + k * b_step)]);
  return sum;
}

void run_products() {
  Stream stream;
  const int rows = 2 * kTile, cols = 3 * kTile, depth = 3 * kTile;
  std::vector<float> a = random_floats(rows * depth, 1), b = random_floats(depth * cols, 2);
  Array<float> da(a), db(b), dc(rows * cols);
  launch(tiled_product, {{cols / kTile, rows / kTile}, {kTile, kTile}}, stream.handle, da.data, db.data, dc.data, cols,
         depth);
  stream.wait();
  compare("tiled_product", dc.read(),
          [&](int i) { return dot(a, i / cols * depth, 1, b, i % cols, cols, depth); }, 1e-5);

  Array<float> dm(16 * 8);
  launch(one_mma_tf32, {1, 32}, stream.handle, da.data, db.data, dm.data);
  stream.wait();
  compare("one_mma_tf32", dm.read(), [&](int i) { return dot(a, i / 8 * 8, 1, b, i % 8, 8, 8); }, 2e-3);
  launch(one_mma_bf16, {1, 32}, stream.handle, da.data, db.data, dm.data);
  stream.wait();
  compare("one_mma_bf16", dm.read(), [&](int i) { return dot(a, i / 8 * 16, 1, b, i % 8, 8, 16); }, 2e-2);
}

void run_sums() {
  Stream stream;
  const int blocks = 5, n = blocks * kThreads;
  std::vector<float> x = random_floats(n, 3), ones(n, 1.0f);
  auto sum_of = [&](int at, int count, int step) { return dot(x, at, step, ones, 0, 1, count); };
  Array<float> dx(x), sums(blocks), y(kThreads), partial(blocks), sum(1);
  Array<unsigned> ticket(std::vector<unsigned>{0});
  launch(block_sums, {blocks, kThreads}, stream.handle, dx.data, sums.data);
  launch(copied_sums, {1, kThreads, 2 * kThreads * sizeof(float)}, stream.handle, dx.data, y.data, blocks);
  stream.wait();
  compare("block_sums", sums.read(), [&](int i) { return sum_of(i * kThreads, kThreads, 1); }, 1e-5);
  compare("copied_sums", y.read(), [&](int i) { return sum_of(i, blocks, kThreads); }, 1e-5);
  for (int again = 0; again < 2; ++again) {
    launch(sum_by_last_block, {blocks, kThreads}, stream.handle, dx.data, n, partial.data, ticket.data, sum.data);
    stream.wait();
    compare("sum_by_last_block", sum.read(), [&](int) { return sum_of(0, n, 1); }, 1e-5);
  }
}

void run_power_iteration() {
  Stream stream;
  const int n = 20, steps = 3;
  std::vector<float> w = random_floats(n * n, 4), v(n, 1.0f), want = v;
  for (int step = 0; step < steps; ++step) {
    std::vector<float> u(n);
    float largest = 0;
    for (int row = 0; row < n; ++row) {
      float sum = static_cast<float>(dot(w, row * n, 1, want, 0, 1, n));
      u[static_cast<size_t>(row)] = sum;
      largest = std::max(largest, std::abs(sum));
    }
    for (float& x : u) x /= largest;
    want = u;
  }
  Array<float> dw(w), dv(v), du(n);
  Array<unsigned> largest(1);
  LaunchShape shape = {3, kThreads};
  shape.cooperative = true;
  launch(power_iteration, shape, stream.handle, dw.data, dv.data, du.data, largest.data, n, steps);
  stream.wait();
  compare("power_iteration", dv.read(), [&](int i) { return static_cast<double>(want[static_cast<size_t>(i)]); }, 1e-4);
}

// A chain of launches, each early where the device can, by a stream and as a graph.
void run_turns() {
  Stream stream;
  const int blocks = 3, n = blocks * kThreads, turns = 20;
  std::vector<float> x = random_floats(n, 5);
  LaunchShape shape = {blocks, kThreads};
  shape.early = waits_by_itself(reinterpret_cast<const void*>(turn_in_turn));
  for (bool as_graph : {false, true}) {
    Array<float> a(x), b(n);
    if (as_graph)
      expect_success(cudaStreamBeginCapture(stream.handle, cudaStreamCaptureModeThreadLocal), "capturing");
    for (int k = 0; k < turns; ++k)
      launch(turn_in_turn, shape, stream.handle, k % 2 ? b.data : a.data, k % 2 ? a.data : b.data);
    if (as_graph) {
      cudaGraph_t graph;
      cudaGraphExec_t executable;
      expect_success(cudaStreamEndCapture(stream.handle, &graph), "capturing");
      expect_success(cudaGraphInstantiate(&executable, graph, 0), "building the graph");
      expect_success(cudaGraphDestroy(graph), "building the graph");
      expect_success(cudaGraphLaunch(executable, stream.handle), "replaying the graph");
      stream.wait();
      cudaGraphExecDestroy(executable);
    }
    stream.wait();
    auto want = [&](int i) { return static_cast<double>(x[static_cast<size_t>((i + turns) % n)]); };
    compare("turn_in_turn", a.read(), want, 0);
  }
}

void run_histogram() {
  Stream stream;
  const int n = 1000;
  std::vector<unsigned char> x(n);
  std::vector<unsigned> want(256);
  for (int i = 0; i < n; ++i) ++want[x[static_cast<size_t>(i)] = static_cast<unsigned char>(i * i % 251)];
  Array<unsigned char> dx(x);
  Array<unsigned> counts(std::vector<unsigned>(256, 0u));
  launch(histogram, {3, kThreads}, stream.handle, dx.data, n, counts.data);
  stream.wait();
  if (counts.read() != want && wrong.empty()) wrong = "histogram: the counts differ";
}

}  // namespace

const char* run_samples() {
  wrong.clear();
  run_products();
  run_sums();
  run_power_iteration();
  run_turns();
  run_histogram();
  return wrong.c_str();
}

}  // namespace kantor::test
