// The emulated device runs right kernels as a GPU would, whatever the order of its threads, and keeps CUDA's rules of
// streams, events, graphs and memory.
#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

#include "device_arrays.h"
#include "ptx_cases.h"
#include "sample_runs.h"
#include "samples.h"

using namespace kantor;
using namespace kantor::test;
using emulator::Order;

namespace {

// Puts the emulator's options back when a test ends.
class Options {
 public:
  Options() : before_(emulator::options()) {}
  ~Options() { emulator::options() = before_; }
  Options(const Options&) = delete;
  Options& operator=(const Options&) = delete;

 private:
  emulator::Options before_;
};

}  // namespace

TEST_CASE("right kernels give right results in any order") {
  Options keep;
  for (Order order : {Order::forward, Order::reverse, Order::shuffled})
    for (bool late : {true, false})
      for (uint64_t seed : {1, 2}) {
        if (order != Order::shuffled && seed > 1) continue;
        emulator::options().order = order;
        emulator::options().late_copies = late;
        emulator::options().seed = seed;
        CHECK_EQ(std::string(run_samples()), "");
      }
}

TEST_CASE("shuffles and votes follow CUDA's definition") {
  std::vector<int> x(32), want(256);
  for (int i = 0; i < 32; ++i) x[static_cast<size_t>(i)] = i;
  for (int l = 0; l < 32; ++l) {
    auto at = [&](int part) -> int& { return want[static_cast<size_t>(part * 32 + l)]; };
    at(0) = 5;
    at(1) = l ^ 3;
    at(2) = l + 4 < 32 ? l + 4 : l;
    at(3) = l >= 4 ? l - 4 : l;
    at(4) = l % 8 == 7 ? l : l + 1;
    at(5) = static_cast<int>(0xAAAAAAAAu);
    at(6) = 1 + 2;
    at(7) = 11;
  }
  Stream stream;
  Array<int> dx(x), dy(256);
  launch(shuffles, {1, 32}, stream.handle, dx.data, dy.data);
  stream.wait();
  CHECK(dy.read() == want);
}

TEST_CASE("work in a stream happens when it is waited for, and in order") {
  Stream stream;
  std::vector<float> before = {1, 2, 3, 4}, after = {5, 6, 7, 8}, host(4, 0.0f);
  Array<float> x(before);
  cudaMemcpyAsync(host.data(), x.data, 16, cudaMemcpyDeviceToHost, stream.handle);
  cudaMemcpyAsync(x.data, after.data(), 16, cudaMemcpyHostToDevice, stream.handle);
  CHECK(host == std::vector<float>(4, 0.0f));
  stream.wait();
  CHECK(host == before);
  CHECK(x.read() == after);
}

TEST_CASE("a stream waits for another's event, and no further") {
  Stream first, second;
  std::vector<float> one = {1}, two = {2}, three = {3};
  Array<float> x(one), y(one);
  cudaEvent_t event;
  cudaEventCreateWithFlags(&event, cudaEventDisableTiming);
  cudaMemcpyAsync(x.data, two.data(), 4, cudaMemcpyHostToDevice, first.handle);
  cudaEventRecord(event, first.handle);
  cudaStreamWaitEvent(second.handle, event, 0);
  cudaMemcpyAsync(y.data, x.data, 4, cudaMemcpyDeviceToDevice, second.handle);
  second.wait();
  CHECK(y.read() == two);
  cudaMemcpyAsync(x.data, three.data(), 4, cudaMemcpyHostToDevice, first.handle);
  cudaEventRecord(event, first.handle);
  cudaEventSynchronize(event);
  CHECK(x.read() == three);
  cudaEventDestroy(event);
}

TEST_CASE("a graph is captured once and replayed") {
  Stream stream;
  std::vector<float> x = counting(kThreads);
  Array<float> a(x), b(std::vector<float>(kThreads, 0.0f)), c(std::vector<float>(kThreads, 0.0f));
  cudaGraph_t graph;
  cudaGraphExec_t executable;
  cudaStreamBeginCapture(stream.handle, cudaStreamCaptureModeThreadLocal);
  launch(copies, {1, kThreads}, stream.handle, a.data, b.data);
  launch(copies, {1, kThreads}, stream.handle, b.data, c.data);
  cudaStreamEndCapture(stream.handle, &graph);
  cudaGraphInstantiate(&executable, graph, 0);
  cudaGraphDestroy(graph);
  stream.wait();
  CHECK(c.read() == std::vector<float>(kThreads, 0.0f));
  for (float start : {1.0f, 2.0f}) {
    std::vector<float> next(kThreads, start);
    cudaMemcpyAsync(a.data, next.data(), kThreads * 4, cudaMemcpyHostToDevice, stream.handle);
    cudaGraphLaunch(executable, stream.handle);
    stream.wait();
    CHECK(c.read() == next);
  }
  cudaGraphExecDestroy(executable);
}

TEST_CASE("memory is had and freed in a stream's order") {
  Stream stream;
  std::vector<float> host = counting(kThreads), back(kThreads);
  void* memory = nullptr;
  CHECK_EQ(cudaMallocAsync(&memory, kThreads * 4, stream.handle), cudaSuccess);
  cudaMemcpyAsync(memory, host.data(), kThreads * 4, cudaMemcpyHostToDevice, stream.handle);
  cudaMemcpyAsync(back.data(), memory, kThreads * 4, cudaMemcpyDeviceToHost, stream.handle);
  cudaFreeAsync(memory, stream.handle);
  stream.wait();
  CHECK(back == host);
  cudaMemsetAsync(memory, 0, 4, stream.handle);
  CHECK_THROWS_AS(stream.wait(), emulator::Error);
}

TEST_CASE("more memory than there is is refused") {
  Options keep;
  emulator::options().memory_bytes = 1000;
  void *a = nullptr, *b = nullptr;
  CHECK_EQ(cudaMalloc(&a, 600), cudaSuccess);
  CHECK_EQ(cudaMalloc(&b, 600), cudaErrorMemoryAllocation);
  cudaFree(a);
  CHECK_EQ(cudaMalloc(&b, 600), cudaSuccess);
  cudaFree(b);
}

TEST_CASE("each instruction of ptx.h does what the PTX ISA says") {
  Options keep;
  for (bool late : {true, false}) {
    emulator::options().late_copies = late;
    CHECK_EQ(std::string(run_ptx_cases()), "");
  }
}

TEST_CASE("tf32 and bf16 round as the hardware does") {
  Stream stream;
  // 1 + 2^-11 lies half way between two tf32: away from zero; 1 + 2^-8 between two bf16: to the even one.
  std::vector<float> a(16 * 16), b(16 * 8), eye(16 * 8);
  a[0] = 1 + 0x1p-11f;
  a[1] = -(1 + 0x1p-11f);
  a[8] = std::bit_cast<float>(0x7F800001u);  // a NaN whose upper 19 bits are those of infinity
  for (size_t i = 0; i < 8; ++i) eye[i * 8 + i] = 1;
  Array<float> da(a), de(eye), dc(16 * 8);
  launch(one_mma_tf32, {1, 32}, stream.handle, da.data, de.data, dc.data);
  stream.wait();
  CHECK_EQ(dc.read()[0], 1 + 0x1p-10f);
  CHECK_EQ(dc.read()[1], -(1 + 0x1p-10f));
  CHECK(std::isnan(dc.read()[8]));
  a[8] = 0;
  a[0] = 1 + 0x1p-8f;
  a[1] = 1 + 3 * 0x1p-8f;
  Array<float> again(a);
  launch(one_mma_bf16, {1, 32}, stream.handle, again.data, de.data, dc.data);
  stream.wait();
  CHECK_EQ(dc.read()[0], 1);
  CHECK_EQ(dc.read()[1], 1 + 0x1p-6f);
}

TEST_CASE("what CUDA forbids of streams and launches is refused") {
  Stream stream;
  Array<float> x(std::vector<float>(kThreads, 1.0f));
  auto refused = [&](const LaunchShape& shape, const char* text) {
    launch(copies, shape, stream.handle, x.data, x.data);
    try {
      stream.wait();
      FAIL("not refused");
    } catch (const emulator::Error& e) {
      CHECK_MESSAGE(std::strstr(e.what(), text), e.what());
    }
  };
  refused({1, 2048}, "no launch can have");
  refused({0, 32}, "no launch can have");
  refused({{1, 70000}, 32}, "no launch can have");
  refused({1, 33}, "whole number of warps");
  LaunchShape many = {2000, 32};
  many.cooperative = true;
  refused(many, "not all on the device at once");
  LaunchShape early = {1, 32};
  early.cooperative = early.early = true;
  refused(early, "a cooperative launch that is early");
  CHECK_THROWS_AS(launch(copies, {1, 32}, nullptr, x.data, x.data), emulator::Error);
  cudaStreamBeginCapture(stream.handle, cudaStreamCaptureModeThreadLocal);
  CHECK_THROWS_AS(stream.wait(), emulator::Error);
  void* memory = nullptr;
  CHECK_THROWS_AS(cudaMallocAsync(&memory, 4, stream.handle), emulator::Error);
  cudaGraph_t graph;
  cudaStreamEndCapture(stream.handle, &graph);
  cudaGraphDestroy(graph);
  CHECK_THROWS_AS(cudaFree(x.data + 1), emulator::Error);
}
