// The CUDA back-end's host code, on the emulated devices: what it does when memory ends or a device gives up, and with two
// devices.
#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <thread>
#include <tuple>

#include "runtime/cuda/emulator/emulator.h"
#include "training_step.h"

using namespace kantor;
using namespace kantor::test;

namespace {

// Puts the emulator's options and devices back.
struct Keep {
  emulator::Options before = emulator::options();
  ~Keep() {
    emulator::options() = before;
    emulator::restore_devices();
  }
};

// count += 1, one launch an iteration; the guard's fault slot is its own.
struct Counter {
  explicit Counter(const std::string& name) : device(name, 1), count(device, i64({1}, {0})), fault(device, i64({4}, {})) {
    ProgramBuilder builder;
    uint32_t slot = builder.slot(DType::i64, 8);
    builder.fault_slot = builder.slot(DType::i64, 32);
    builder.instruction("counter_add", {}, {{slot, DType::i64, 0, {1}}}, {1}, true);
    program.emplace(device, builder.bytes(), std::vector<kt_memory*>{count.handle, fault.handle});
  }
  int64_t value() const { return static_cast<int64_t>(count.read(i64({1})).get(0)); }
  Device device;
  Memory count, fault;
  std::optional<Program> program;
};

std::string message() { return kt_error_message(); }
bool has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("runs of every length complete, in graphs of one iteration and of several") {
  Counter counter("cuda-emulated");
  int64_t sum = 0;
  for (int64_t n : {0, 1, 2, 15, 16, 17, 100, 333}) {
    int64_t completed = -1;
    CHECK_EQ(kt_program_run(counter.program->handle, n, &completed), KT_OK);
    CHECK_EQ(completed, n);
    sum += n;
    CHECK_EQ(counter.value(), sum);
  }
}

TEST_CASE("kernels are launched early unless that is asked not to be") {
  TrainingStep training;
  std::vector<Value> early, serial;
  for (auto [name, expected, values] : {std::tuple{"cuda-emulated", "\"early\": true", &early},
                                        std::tuple{"cuda-emulated+serial", "\"early\": false", &serial}}) {
    *values = training.run(name, 1, {3});
    TrainingStep::OnDevice on(training, name, 1);
    std::string text(1 << 16, '\0');
    REQUIRE_EQ(kt_program_describe(on.program->handle, text.data(), text.size(), nullptr), KT_OK);
    CHECK_MESSAGE(has(text, expected), text.c_str());
  }
  REQUIRE_EQ(early.size(), serial.size());
  for (size_t i = 0; i < early.size(); ++i) CHECK(same_bits(early[i], serial[i]));
}

TEST_CASE("a run that is cancelled ends after whole iterations and takes the request back") {
  Counter counter("cuda-emulated");
  kt_program* program = counter.program->handle;
  int64_t completed = -1;
  REQUIRE_EQ(kt_program_cancel(program), KT_OK);
  CHECK_EQ(kt_program_run(program, 50, &completed), KT_CANCELLED);
  CHECK_EQ(completed, 1);
  std::thread other([&] { kt_program_cancel(program); });
  kt_status status = kt_program_run(program, 20000, &completed);
  other.join();
  CHECK((status == KT_CANCELLED || status == KT_OK));
  CHECK_EQ(counter.value(), 1 + completed);
}

TEST_CASE("what does not fit into the device's memory says what is needed and what is free") {
  Keep keep;
  emulator::options().memory_bytes = 8 << 20;
  Device device("cuda-emulated", 1);
  kt_memory *first = nullptr, *second = nullptr;
  REQUIRE_EQ(kt_memory_allocate(device.handle, 6 << 20, &first), KT_OK);
  CHECK_EQ(kt_memory_allocate(device.handle, 4 << 20, &second), KT_OUT_OF_MEMORY);
  CHECK(has(message(), "4.0 MiB are needed, and of the device's 8.0 MiB only 2.0 MiB are free"));
  CHECK(has(message(), "\nuse a batch or model of at most 45 %"));  // the advice is a line of its own
  CHECK_EQ(kt_memory_free(first), KT_OK);
  CHECK_EQ(kt_memory_allocate(device.handle, 4 << 20, &second), KT_OK);
  CHECK_EQ(kt_memory_free(second), KT_OK);
}

TEST_CASE("a program that does not fit leaves the device as it was") {
  Keep keep;
  emulator::options().memory_bytes = 1 << 20;
  Device device("cuda-emulated", 1);
  ProgramBuilder builder;
  uint32_t slot = builder.slot(DType::f32, 4);
  builder.arena_bytes = 4 << 20;
  builder.instruction("copy", {{slot, DType::f32, 0, {}}}, {{0xFFFFFFFF, DType::f32, 0, {}}}, {0});
  Memory memory(device, 4);
  std::vector<std::byte> bytes = builder.bytes();
  kt_program* program = nullptr;
  CHECK_EQ(kt_program_create(device.handle, bytes.data(), bytes.size(), &memory.handle, 1, &program), KT_OUT_OF_MEMORY);
  CHECK(has(message(), "the program's arena: 4.0 MiB are needed"));
}

TEST_CASE("a device that gives up says so from then on, and the other goes on") {
  Keep keep;
  Counter other("cuda-emulated:1");
  {
    Counter counter("cuda-emulated");
    emulator::restore_devices();
    emulator::options().lost_after = 40;
    int64_t completed = -1;
    CHECK_EQ(kt_program_run(counter.program->handle, 1000, &completed), KT_DEVICE_LOST);
    CHECK(has(message(), "the device gave up (unspecified launch failure)"));
    int64_t value = 0;
    CHECK_EQ(kt_memory_read(counter.count.handle, 0, &value, sizeof value), KT_DEVICE_LOST);
    kt_memory* memory = nullptr;
    CHECK_EQ(kt_memory_allocate(counter.device.handle, 64, &memory), KT_DEVICE_LOST);
    CHECK_EQ(kt_program_run(counter.program->handle, 1, &completed), KT_DEVICE_LOST);
    emulator::options().lost_after = INT64_MAX;
    CHECK_EQ(kt_program_run(other.program->handle, 3, &completed), KT_OK);
    CHECK_EQ(other.value(), 3);
  }  // closing what was on it is no error
}

TEST_CASE("two devices run in turns, from any thread") {
  Counter first("cuda-emulated"), second("cuda-emulated:1");
  for (int turn = 0; turn < 3; ++turn) {
    REQUIRE_EQ(kt_program_run(first.program->handle, 2, nullptr), KT_OK);
    std::thread other([&] { CHECK_EQ(kt_program_run(second.program->handle, 3, nullptr), KT_OK); });
    other.join();
  }
  CHECK_EQ(first.value(), 6);
  CHECK_EQ(second.value(), 9);
}

TEST_CASE("a device describes itself and the others") {
  Device device("cuda:1", 1);
  char text[4096];
  REQUIRE_EQ(kt_device_describe(device.handle, text, sizeof text), KT_OK);
  std::string json = text;
  for (const char* part : {"\"name\": \"cuda:1\"", "\"kind\": \"cuda\"", "\"isa\": \"sm_90\"",
                           "\"computeCapability\": \"9.0\"", "\"driver\": \"13.0\"",
                           "\"devices\": [\"emulated device 0\", \"emulated device 1\"]"})
    CHECK_MESSAGE(has(json, part), part);
}

TEST_CASE("auto is the first GPU where there is one") {
  kt_device* device = nullptr;
  REQUIRE_EQ(kt_device_open("auto", 1, &device), KT_OK);
  char text[4096];
  REQUIRE_EQ(kt_device_describe(device, text, sizeof text), KT_OK);
  CHECK(has(text, "\"name\": \"cuda:0\""));
  kt_device_close(device);
}
