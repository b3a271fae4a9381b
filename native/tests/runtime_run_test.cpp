// Replaying: faults, cancellation, threads, profiles.
#include <doctest/doctest.h>

#include <chrono>
#include <cstdlib>
#include <random>
#include <thread>

#include "support.h"

using namespace kantor;
using namespace kantor::test;

namespace {

constexpr uint32_t kArenaSlot = 0xFFFFFFFF;

std::vector<std::string> all_devices() {
  std::vector<std::string> names = tested_devices();
  names.push_back("reference");
  return names;
}

// Slot 0 queue i64[6], 1 fault i64[4], 2 guarded counter, 3 free counter. Each iteration copies the queue's first
// element into the fault code, counts, and moves the queue up by one: the fault comes in the iteration that the queue
// says.
struct FaultProgram {
  FaultProgram() {
    for (uint64_t bytes : {48, 32, 8, 8}) builder.slot(DType::i64, bytes);
    builder.arena_bytes = 48;
    builder.fault_slot = 1;
    ProgramBuilder::Operand queue{0, DType::i64, 0, {6}}, moved{kArenaSlot, DType::i64, 0, {6}};
    builder.instruction("copy", {queue}, {{1, DType::i64, 0, {4}}}, {0, 0, 0, 0});
    builder.instruction("counter_add", {}, {{2, DType::i64, 0, {1}}}, {1}, true);
    builder.instruction("counter_add", {}, {{3, DType::i64, 0, {1}}}, {1});
    builder.instruction("copy", {queue}, {moved}, {1, 5, 1, 1, 1, 0, 1});
    builder.instruction("copy", {moved}, {queue}, {1, 6, 1, 1, 0, 0, 0});
  }
  ProgramBuilder builder;
};

// Counts in slot 0, for as long as it is let.
std::vector<std::byte> counting_program() {
  ProgramBuilder builder;
  builder.slot(DType::i64, 8);
  builder.instruction("counter_add", {}, {{0, DType::i64, 0, {1}}}, {1});
  return builder.bytes();
}

// Copies and gathers between random places of two slots and the arena, in an order that matters.
struct RandomProgram {
  static constexpr int kFloats = 40000;
  explicit RandomProgram(uint32_t seed) {
    std::mt19937 random(seed);
    auto below = [&](int n) { return static_cast<int64_t>(random() % static_cast<unsigned>(n)); };
    builder.slot(DType::f32, kFloats * 4);
    builder.slot(DType::f32, kFloats * 4);
    builder.slot(DType::i32, 64 * 4);
    builder.arena_bytes = kFloats * 4;
    for (int i = 0; i < 60; ++i) {
      uint32_t places[] = {0, 1, kArenaSlot};
      size_t from = static_cast<size_t>(below(3)), to = static_cast<size_t>(below(2) ? (from + 1) % 3 : (from + 2) % 3);
      int64_t rows = 1 + below(64), width = 1 + below(kFloats / 64);
      uint64_t here = static_cast<uint64_t>(below(static_cast<int>(kFloats - rows * width + 1))) * 4;
      uint64_t there = static_cast<uint64_t>(below(static_cast<int>(kFloats - rows * width + 1))) * 4;
      ProgramBuilder::Operand source{places[from], DType::f32, here, {rows, width}};
      ProgramBuilder::Operand destination{places[to], DType::f32, there, {rows, width}};
      if (below(2))
        builder.instruction("copy", {source}, {destination}, {2, rows, width, 1, width, 1, rows, 0, 0, 0});
      else
        builder.instruction("gather", {source, {2, DType::i32, 0, {rows}}}, {destination}, {bits(0.5f), bits(0.25f)});
    }
  }
  std::vector<Value> run(const std::string& name, int threads) const {
    Device device(name, threads);
    Value a = random({kFloats}, 1), b = random({kFloats}, 2), indices = i32({64});
    std::vector<Memory> memories;
    for (const Value& v : {a, b, indices}) memories.emplace_back(device, v);
    Program program(device, builder.bytes(), {memories[0].handle, memories[1].handle, memories[2].handle});
    REQUIRE_EQ(kt_program_run(program.handle, 5, nullptr), KT_OK);
    return {memories[0].read(a), memories[1].read(b)};
  }
  ProgramBuilder builder;
};

}  // namespace

TEST_CASE("a fault ends the run, keeps guarded state, and stays until it is cleared") {
  for (const std::string& name : all_devices())
    for (int threads : {1, 3}) {
      CAPTURE(name);
      Device device(name, threads);
      Memory queue(device, i64({6}, {0, 0, 0, 9, 0, 0})), fault(device, i64({4})), guarded(device, 8), free(device, 8);
      Program program(device, FaultProgram().builder.bytes(),
                      {queue.handle, fault.handle, guarded.handle, free.handle});
      int64_t completed = -1;
      CHECK_EQ(kt_program_run(program.handle, 100, &completed), KT_FAULT);
      CHECK_EQ(completed, 3);
      CHECK_EQ(guarded.read(i64({1})).get(0), 3);
      CHECK_EQ(free.read(i64({1})).get(0), 4);
      CHECK_NE(std::string(kt_error_message()).find("clear slot 1"), std::string::npos);
      CHECK_EQ(kt_program_run(program.handle, 100, &completed), KT_FAULT);
      CHECK_EQ(completed, 0);
      CHECK_EQ(free.read(i64({1})).get(0), 4);
      fault.write(i64({4}));
      CHECK_EQ(kt_program_run(program.handle, 5, &completed), KT_OK);
      CHECK_EQ(completed, 5);
      CHECK_EQ(guarded.read(i64({1})).get(0), 8);
    }
}

TEST_CASE("cancelling stops the run under way after a whole iteration") {
  for (const char* name : {"cpu", "reference"}) {
    Device device(name, 2);
    Memory counter(device, 8);
    Program program(device, counting_program(), {counter.handle});
    std::thread canceller([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      kt_program_cancel(program.handle);
    });
    int64_t completed = 0;
    CHECK_EQ(kt_program_run(program.handle, int64_t{1} << 50, &completed), KT_CANCELLED);
    canceller.join();
    CHECK_GT(completed, 0);
    CHECK_EQ(counter.read(i64({1})).get(0), static_cast<double>(completed));
    // The run that it stopped has used it up.
    CHECK_EQ(kt_program_run(program.handle, 7, &completed), KT_OK);
    CHECK_EQ(completed, 7);
    // Before a run, it stops the next one, after its first iteration.
    CHECK_EQ(kt_program_cancel(program.handle), KT_OK);
    CHECK_EQ(kt_program_run(program.handle, 0, &completed), KT_OK);
    CHECK_EQ(kt_program_run(program.handle, 7, &completed), KT_CANCELLED);
    CHECK_EQ(completed, 1);
  }
}

TEST_CASE("random programs give the reference's bits for any number of threads") {
  for (uint32_t seed = 1; seed <= 6; ++seed) {
    CAPTURE(seed);
    RandomProgram program(seed);
    std::vector<Value> want = program.run("reference", 1);
    for (int threads : {1, 2, 3, 7}) {
      CAPTURE(threads);
      std::vector<Value> got = program.run("cpu", threads);
      for (size_t k = 0; k < want.size(); ++k) CHECK(same_bits(got[k], want[k]));
    }
  }
}

TEST_CASE("two programs of one device may be run by two threads") {
  Device device("cpu", 2);
  Memory a(device, 8), b(device, 8);
  Program first(device, counting_program(), {a.handle}), second(device, counting_program(), {b.handle});
  auto replay = [](const Program& program) {
    for (int i = 0; i < 200; ++i) kt_program_run(program.handle, 5, nullptr);
  };
  std::thread other([&] { replay(second); });
  replay(first);
  other.join();
  CHECK_EQ(a.read(i64({1})).get(0), 1000);
  CHECK_EQ(b.read(i64({1})).get(0), 1000);
}

TEST_CASE("a program without instructions runs, and stops when it is told") {
  Device device("cpu", 2);
  Program program(device, ProgramBuilder().bytes(), {});
  int64_t completed = 0;
  CHECK_EQ(kt_program_run(program.handle, 3, &completed), KT_OK);
  CHECK_EQ(completed, 3);
  kt_program_cancel(program.handle);
  CHECK_EQ(kt_program_run(program.handle, int64_t{1} << 60, &completed), KT_CANCELLED);
}

TEST_CASE("a profile counts every instruction's runs and its time, only while it is on") {
  for (const char* name : {"cpu", "reference"}) {
    Device device(name, 2);
    Memory from(device, 4 << 20), to(device, 4 << 20), counter(device, 8);
    ProgramBuilder builder;
    for (uint64_t bytes : {4 << 20, 4 << 20, 8}) builder.slot(DType::f32, bytes);
    constexpr int64_t kCount = 1 << 20;
    builder.instruction("copy", {{0, DType::f32, 0, {kCount}}}, {{1, DType::f32, 0, {kCount}}},
                        {1, kCount, 1, 1, 0, 0, 0});
    builder.instruction("counter_add", {}, {{2, DType::i64, 0, {1}}}, {1});
    Program program(device, builder.bytes(), {from.handle, to.handle, counter.handle});
    kt_program_run(program.handle, 2, nullptr);
    kt_program_profile(program.handle, 1);
    kt_program_run(program.handle, 3, nullptr);
    kt_program_profile(program.handle, 0);
    kt_program_run(program.handle, 4, nullptr);
    size_t needed = 0;
    CHECK_EQ(kt_program_describe(program.handle, nullptr, 0, &needed), KT_INVALID_ARGUMENT);
    std::string text(needed, '\0');
    REQUIRE_EQ(kt_program_describe(program.handle, text.data(), text.size(), &needed), KT_OK);
    CAPTURE(text);
    CHECK_NE(text.find("\"op\": \"copy\", \"shapes\": \"f32[1048576] -> f32[1048576]\", \"ns\": "), std::string::npos);
    size_t calls = 0;
    for (size_t at = 0; (at = text.find("\"calls\": 3}", at)) != std::string::npos; ++at) ++calls;
    CHECK_EQ(calls, 2);
    CHECK_EQ(text.find("f32[1048576]\", \"ns\": 0,"), std::string::npos);
  }
}

TEST_CASE("a device says what it is; KANTOR_ISA chooses what cpu means") {
  char text[512];
  setenv("KANTOR_ISA", "portable", 1);
  {
    Device device("cpu", 2);
    REQUIRE_EQ(kt_device_describe(device.handle, text, sizeof text), KT_OK);
    CHECK_EQ(
        std::string(text).rfind("{\"name\": \"cpu\", \"kind\": \"cpu\", \"isa\": \"portable\", \"threads\": 2, ", 0),
        0);
    CHECK_EQ(kt_device_describe(device.handle, text, 5), KT_INVALID_ARGUMENT);
  }
  kt_device* none = nullptr;
  setenv("KANTOR_ISA", "altivec", 1);
  CHECK_EQ(kt_device_open("cpu", 1, &none), KT_INVALID_ARGUMENT);
  unsetenv("KANTOR_ISA");
  Device reference("reference", 0);
  REQUIRE_EQ(kt_device_describe(reference.handle, text, sizeof text), KT_OK);
  CHECK_NE(std::string(text).find("\"kind\": \"reference\""), std::string::npos);
}
