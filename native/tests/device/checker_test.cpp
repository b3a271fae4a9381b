// Each planted bug is found, and the message says where; each barrier that is dropped from a right kernel is noticed.
#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <utility>

#include "device_arrays.h"
#include "sample_runs.h"
#include "samples.h"

using namespace kantor;
using namespace kantor::test;
using emulator::Order;

namespace {

// The message of the error that the work leads to, in every order of threads, which must name all of texts.
template <class Work>
void finds(Work work, std::initializer_list<const char*> texts) {
  for (Order order : {Order::forward, Order::reverse, Order::shuffled}) {
    emulator::options().order = order;
    Stream stream;
    std::string message = "nothing was found";
    try {
      work(stream.handle);
      stream.wait();
    } catch (const emulator::Error& e) {
      message = e.what();
    }
    emulator::options().order = Order::forward;
    for (const char* text : texts) CHECK_MESSAGE(message.find(text) != std::string::npos, text << " in: " << message);
  }
}

struct Arrays {
  Array<float> x{counting(4 * kThreads)}, y{4 * kThreads};
  Array<unsigned> flag{std::vector<unsigned>{0}};
};

const LaunchShape kOneBlock = {1, kThreads};
const LaunchShape kWithShared = {1, kThreads, kThreads * sizeof(float)};

}  // namespace

TEST_CASE("a missing barrier between write and read is a race") {
  Arrays a;
  finds([&](cudaStream_t s) { launch(missing_barrier, kOneBlock, s, a.x.data, a.y.data); },
        {"missing_barrier: race", "of the shared memory of 256 bytes declared at samples.cu:", "by block (0, 0, 0) thread (",
         "at samples.cu:", "against the "});
}

TEST_CASE("a missing barrier between read and the next write is a race") {
  Arrays a;
  finds([&](cudaStream_t s) { launch(missing_second_barrier, kOneBlock, s, a.x.data, a.y.data, 3); },
        {"missing_second_barrier: race"});
}

TEST_CASE("a missing warp barrier is a race") {
  Arrays a;
  finds([&](cudaStream_t s) { launch(missing_warp_barrier, kOneBlock, s, a.x.data, a.y.data); }, {"race"});
}

TEST_CASE("an index past the end of an array is found") {
  Arrays a;
  Array<float> y(100);
  finds([&](cudaStream_t s) { launch(past_the_end, {2, kThreads}, s, a.x.data, y.data, 100); },
        {"past_the_end: out of bounds: write of byte 400 of the allocation of 400 bytes",
         "by block (1, 0, 0) thread (36, 0, 0)"});
}

TEST_CASE("an index past the end of shared memory is found") {
  Arrays a;
  finds([&](cudaStream_t s) { launch(past_shared_memory, kOneBlock, s, a.x.data, a.y.data); },
        {"out of bounds: read of byte 256 of the shared memory of 256 bytes", "thread (63, 0, 0)"});
}

TEST_CASE("memory that nothing has written is not read") {
  Arrays a;
  finds([&](cudaStream_t s) { launch(read_of_nothing_written, kOneBlock, s, a.x.data, a.y.data); },
        {"uninitialised memory: read of byte 252 of the shared memory"});
  finds([&](cudaStream_t s) { launch(copies, kOneBlock, s, a.y.data + 64, a.x.data); },
        {"copies: uninitialised memory: read of byte ", " of the allocation of 1024 bytes"});
}

TEST_CASE("barriers that a block does not pass together are found") {
  Arrays a;
  finds([&](cudaStream_t s) { launch(two_barriers, kOneBlock, s, a.x.data, a.y.data); },
        {"divergent barrier: this thread is at __syncthreads samples.cu:"});
  finds([&](cudaStream_t s) { launch(barrier_for_some, kOneBlock, s, a.x.data, a.y.data); }, {"divergent barrier"});
  finds([&](cudaStream_t s) { launch(shuffle_for_some, kOneBlock, s, a.x.data, a.y.data); },
        {"deadlock", "32 threads wait at __syncthreads samples.cu:", "32 threads wait at a shuffle samples.cu:"});
  finds([&](cudaStream_t s) { launch(early_exit, kOneBlock, s, a.x.data, a.y.data, 40); },
        {"divergent barrier", "left the kernel"});
  finds([&](cudaStream_t s) { launch(half_a_mask, kOneBlock, s, a.x.data, a.y.data); }, {"only the full mask"});
}

TEST_CASE("threads that change one element are a race") {
  Arrays a;
  finds([&](cudaStream_t s) { launch(same_element, {1, 32}, s, a.x.data); }, {"race", "byte 0 of the allocation"});
  finds([&](cudaStream_t s) { launch(neighbour_block, {4, kThreads}, s, a.x.data, a.y.data); }, {"race"});
}

TEST_CASE("a vector at a wrong address is misaligned") {
  Arrays a;
  finds([&](cudaStream_t s) { launch(misaligned_vector, kOneBlock, s, a.x.data, a.y.data); },
        {"misaligned_vector: misaligned: read of byte "});
  finds([&](cudaStream_t s) {
          launch(copies, kOneBlock, s, reinterpret_cast<const float*>(reinterpret_cast<const char*>(a.x.data) + 2),
                 a.y.data);
        },
        {"misaligned"});
}

TEST_CASE("asynchronous copies that are not waited for are found") {
  Arrays a;
  finds([&](cudaStream_t s) { launch(copy_not_waited_for, kWithShared, s, a.x.data, a.y.data); },
        {"uninitialised memory", "that the launch asked for"});
  finds([&](cudaStream_t s) { launch(copy_without_barrier, kWithShared, s, a.x.data, a.y.data); },
        {"copy_without_barrier: ", "that the launch asked for"});
  finds([&](cudaStream_t s) { launch(copy_never_waited_for, kWithShared, s, a.x.data); }, {"never waited for"});
}

TEST_CASE("an early launch waits before it touches memory, and before it ends") {
  Arrays a;
  LaunchShape early = kOneBlock;
  early.early = true;
  finds([&](cudaStream_t s) { launch(touches_before_waiting, early, s, a.x.data, a.y.data); },
        {"touches_before_waiting: global memory before the wait for the launch's predecessors: read of byte "});
  finds([&](cudaStream_t s) { launch(leaves_without_waiting, early, s, a.x.data, a.y.data); },
        {"left the kernel, which was launched early, without waiting for its predecessors"});
  Stream stream;
  launch(touches_before_waiting, kOneBlock, stream.handle, a.x.data, a.y.data);  // not early: all is well
  stream.wait();
}

TEST_CASE("a ticket without its fences orders nothing") {
  Arrays a;
  for (auto kernel : {no_fence_before_ticket, no_fence_after_ticket})
    finds([&](cudaStream_t s) {
            cudaMemsetAsync(a.flag.data, 0, 4, s);
            launch(kernel, {4, kThreads}, s, a.x.data, a.y.data, a.flag.data, a.y.data + 64);
          },
          {"race"});
}

TEST_CASE("what is waited for in vain ends") {
  Arrays a;
  finds([&](cudaStream_t s) { launch(spins_forever, {1, 32}, s, a.flag.data); }, {"endless spinning"});
  finds([&](cudaStream_t s) { launch(grid_barrier_only, kOneBlock, s); }, {"the launch is not cooperative"});
}

TEST_CASE("pointers that are not the device's are found") {
  Arrays a;
  std::vector<float> host(kThreads);
  finds([&](cudaStream_t s) { launch(copies, kOneBlock, s, host.data(), a.y.data); },
        {"copies: host memory used in a kernel: read of 0x"});
  finds([&](cudaStream_t s) { launch(copies, kOneBlock, s, nullptr, a.y.data); }, {"null pointer"});
  finds([&](cudaStream_t s) {
          void* memory = nullptr;
          cudaMalloc(&memory, 1024);
          cudaFree(memory);
          launch(copies, kOneBlock, s, a.x.data, static_cast<float*>(memory));
        },
        {"out of bounds: write of byte ", "of a freed allocation of 1024 bytes"});
  finds([&](cudaStream_t s) {
          cudaMemcpyAsync(a.x.data, host.data(), 4096, cudaMemcpyHostToDevice, s);
        },
        {"not all in one live allocation"});
  finds([&](cudaStream_t s) {
          cudaMemcpyAsync(host.data(), host.data() + 1, 4, cudaMemcpyDeviceToHost, s);
        },
        {"host memory"});
}

TEST_CASE("shared memory has its limits") {
  Arrays a;
  const LaunchShape large = {1, kThreads, 226 << 10};
  finds([&](cudaStream_t s) { launch(too_much_shared_memory, large, s, a.y.data); }, {"was not loaded with so much"});
  load(reinterpret_cast<const void*>(too_much_shared_memory), large);
  finds([&](cudaStream_t s) { launch(too_much_shared_memory, large, s, a.y.data); },
        {"asks for 235520 bytes of shared memory; it can have 232448"});
  try {
    load(reinterpret_cast<const void*>(too_much_shared_memory), {1, kThreads, 228 << 10});
    FAIL("not refused");
  } catch (const Error& e) {
    CHECK_MESSAGE(std::strstr(e.what(), "a block of 64 threads with 233472 bytes of shared memory is more than this device"),
                  e.what());
  }
  finds([&](cudaStream_t s) { launch(uses_dynamic_shared, kOneBlock, s, a.y.data); }, {"the launch gave it none"});
}

TEST_CASE("a launch keeps to the operands that it was restricted to") {
  Array<float> all(counting(4 * kThreads));
  auto part = [&](int k, const char* name, bool writable) {
    return emulator::Operand{reinterpret_cast<const std::byte*>(all.data + k * kThreads), kThreads * 4, 4, name, writable};
  };
  auto restricted = [&](cudaStream_t s, int from, int to) {
    emulator::restrict_launches({part(0, "input 0", false), part(1, "output 0", true)});
    launch(copies, kOneBlock, s, all.data + from, all.data + to);
    emulator::restrict_launches({});
  };
  Stream stream;
  restricted(stream.handle, 0, kThreads);
  stream.wait();
  finds([&](cudaStream_t s) { restricted(s, 0, kThreads + 1); }, {"out of bounds: write of element 64 of output 0"});
  finds([&](cudaStream_t s) { restricted(s, kThreads, 0); }, {"write to what the launch may only read: write of element"});
}

TEST_CASE("each barrier dropped from a right kernel is noticed") {
  emulator::take_barriers();
  REQUIRE_EQ(std::string(run_samples()), "");
  std::vector<emulator::Site> barriers = emulator::take_barriers();
  CHECK_EQ(barriers.size(), 13);
  for (const emulator::Site& site : barriers) {
    emulator::options().skipped_barrier = site;
    std::string noticed;
    try {
      noticed = run_samples();
    } catch (const emulator::Error& e) {
      noticed = e.what();
    }
    emulator::options().skipped_barrier = {};
    CHECK_MESSAGE(!noticed.empty(), "the barrier at " << site.file << ":" << site.line);
  }
}
