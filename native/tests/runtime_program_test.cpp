// What malformed programs and misused handles get.
#include <doctest/doctest.h>

#include <cstring>
#include <random>

#include "support.h"

using namespace kantor;
using namespace kantor::test;

namespace {

// A valid program that uses every part of the format: slots, arena, fault slot, a guard, attributes.
struct Sample {
  explicit Sample(const Device& device) {
    const std::vector<Value> values = {random(DType::u8, {50, 12}, 1, 0, 256),
                                       i32({4}, {1, 7, 49, 0}),
                                       i64({1}),
                                       i64({4}),
                                       f32({5, 48}),
                                       f32({20, 20})};
    for (const Value& v : values) {
      memories.emplace_back(device, v);
      builder.slot(v.dtype, v.bytes.size());
    }
    for (const Memory& memory : memories) slots.push_back(memory.handle);
    builder.arena_bytes = 4096;
    builder.fault_slot = 3;
    ProgramBuilder::Operand rows{kArena, DType::f32, 64, {4, 12}}, counter{2, DType::i64, 0, {1}};
    builder.instruction("gather", {{0, DType::u8, 0, {50, 12}}, {1, DType::i32, 0, {4}}}, {rows}, {bits(2), bits(-1)});
    builder.instruction("copy", {rows}, {{5, DType::f32, 0, {20, 20}}}, {2, 4, 12, 20, 12, 1, 1, 0, 21, 1}, true);
    builder.instruction("ring_write", {counter, rows}, {{4, DType::f32, 0, {5, 48}}}, {}, true);
    builder.instruction("counter_add", {}, {counter}, {1}, true);
  }
  static constexpr uint32_t kArena = 0xFFFFFFFF;
  ProgramBuilder builder;
  std::vector<Memory> memories;
  std::vector<kt_memory*> slots;
};

kt_status create_and_run(const Device& device, const Sample& sample, const std::vector<std::byte>& bytes, bool run) {
  kt_program* program = nullptr;
  kt_status status =
      kt_program_create(device.handle, bytes.data(), bytes.size(), sample.slots.data(), sample.slots.size(), &program);
  if (status != KT_OK) return status;
  if (run) status = kt_program_run(program, 1, nullptr);
  REQUIRE_EQ(kt_program_destroy(program), KT_OK);
  return status;
}

void mutate(std::vector<std::byte>& bytes, std::mt19937& random) {
  auto below = [&](size_t n) { return static_cast<size_t>(random()) % n; };
  size_t at = below(bytes.size());
  switch (below(6)) {
    case 0: bytes[at] ^= static_cast<std::byte>(1 << below(8)); break;
    case 1: bytes[at] = static_cast<std::byte>(random()); break;
    case 2: bytes.resize(at); break;
    case 3: bytes.insert(bytes.begin() + static_cast<long>(at), 1 + below(9), static_cast<std::byte>(random())); break;
    case 4: bytes.erase(bytes.begin() + static_cast<long>(at)); break;
    default: {
      const uint64_t words[] = {0,       1,          0x7FFFFFFF,     0xFFFFFFFF, 0x80000000,
                                1 << 24, UINT64_MAX, UINT64_MAX / 2, 1ull << 62};
      uint64_t word = words[below(std::size(words))];
      size_t size = below(2) ? 4 : 8;
      if (at + size <= bytes.size()) std::memcpy(bytes.data() + at, &word, size);
    }
  }
}

// Creates the program of one instruction (and slots f32[16], i64[4], arena of 256 bytes), which must fail with this
// text.
void rejects(const char* text, void (*change)(ProgramBuilder&), const char* device_name = "cpu") {
  Device device(device_name, 1);
  Memory floats(device, 64), fault(device, 32);
  ProgramBuilder builder;
  builder.slot(DType::f32, 64);
  builder.slot(DType::i64, 32);
  builder.arena_bytes = 256;
  change(builder);
  std::vector<std::byte> bytes = builder.bytes();
  std::vector<kt_memory*> slots = {floats.handle, fault.handle};
  kt_program* program = nullptr;
  CHECK_NE(kt_program_create(device.handle, bytes.data(), bytes.size(), slots.data(), slots.size(), &program), KT_OK);
  std::string message = kt_error_message();
  CAPTURE(message);
  CHECK_NE(message.find(text), std::string::npos);
  CHECK_EQ(program, nullptr);
}

const std::vector<int64_t> kWhole = {1, 8, 1, 1, 0, 0, 0};  // copy 8 elements
ProgramBuilder::Operand arena(uint64_t offset, std::vector<int64_t> dims, DType dtype = DType::f32) {
  return {Sample::kArena, dtype, offset, std::move(dims)};
}

}  // namespace

TEST_CASE("the sample program runs on every device, guarded instructions only without a fault") {
  std::vector<std::string> names = tested_devices();
  names.push_back("reference");
  for (const std::string& name : names) {
    Device device(name, 2);
    Sample sample(device);
    CHECK_EQ(create_and_run(device, sample, sample.builder.bytes(), true), KT_OK);
    CHECK_EQ(sample.memories[2].read(i64({1})).get(0), 1);
  }
}

TEST_CASE("malformed programs: 20000 mutations end in a status, and what is accepted runs") {
  Device device("cpu", 2);
  Sample sample(device);
  const std::vector<std::byte> original = sample.builder.bytes();
  constexpr size_t kArenaField = 12 + 6 * 12;
  std::mt19937 random(20240607);
  int accepted = 0, rejected = 0;
  for (int i = 0; i < 20000; ++i) {
    std::vector<std::byte> bytes = original;
    for (int k = 1 + static_cast<int>(random() % 3); k > 0 && !bytes.empty(); --k) mutate(bytes, random);
    // A larger arena is valid but could ask for more memory than a test should touch: such programs are built, not run.
    bool run = bytes.size() >= kArenaField + 8 && std::memcmp(bytes.data(), original.data(), kArenaField + 8) == 0;
    std::vector<std::byte> tight(bytes.begin(), bytes.end());
    tight.shrink_to_fit();  // so that the address sanitizer sees a read past the end
    kt_status status = create_and_run(device, sample, tight, run);
    (status == KT_OK ? accepted : rejected)++;
    REQUIRE_NE(status, KT_INTERNAL);
    if (status != KT_OK) REQUIRE_GT(std::strlen(kt_error_message()), 10);
  }
  CHECK_GT(accepted, 100);
  CHECK_GT(rejected, 10000);
}

TEST_CASE("errors name the instruction, the op, the operand and what is wrong") {
  rejects("instruction 0 (warp)", [](ProgramBuilder& b) { b.instruction("warp", {}, {}); });
  rejects("instruction 1 (copy)\ninput 0\nslot 7; the program has 2", [](ProgramBuilder& b) {
    b.instruction("counter_add", {}, {{1, DType::i64, 0, {1}}}, {1});
    b.instruction("copy", {{7, DType::f32, 0, {8}}}, {arena(0, {8})}, kWhole);
  });
  rejects("output 0\nf32[8] at offset 232 does not fit into the 256 bytes of the arena",
          [](ProgramBuilder& b) { b.instruction("copy", {arena(0, {8})}, {arena(232, {8})}, kWhole); });
  rejects("f32[17] at offset 0 does not fit into the 64 bytes of slot 0", [](ProgramBuilder& b) {
    b.instruction("copy", {{0, DType::f32, 0, {17}}}, {arena(0, {8})}, kWhole);
  });
  rejects("dimension 1 is 0", [](ProgramBuilder& b) {
    b.instruction("copy", {arena(0, {8, 0})}, {arena(64, {8})}, kWhole);
  });
  rejects("overflows", [](ProgramBuilder& b) {
    b.instruction("copy", {arena(0, {int64_t{1} << 40, int64_t{1} << 40})}, {arena(64, {8})}, kWhole);
  });
  rejects("not aligned", [](ProgramBuilder& b) { b.instruction("copy", {arena(2, {8})}, {arena(64, {8})}, kWhole); });
  rejects("overlaps a part of input 0",
          [](ProgramBuilder& b) { b.instruction("copy", {arena(0, {8})}, {arena(4, {8})}, kWhole); });
  rejects("same memory", [](ProgramBuilder& b) { b.instruction("copy", {arena(0, {8})}, {arena(0, {8})}, kWhole); });
  rejects("fault slot 0 must be i64[4]", [](ProgramBuilder& b) { b.fault_slot = 0; });
  rejects("fault slot 2", [](ProgramBuilder& b) { b.fault_slot = 2; });
  rejects("the program has 3 slots; 2 memories", [](ProgramBuilder& b) { b.slot(DType::f32, 4); });
  rejects("only the reference device runs float64", [](ProgramBuilder& b) {
    b.instruction("copy", {arena(0, {8}, DType::f64)}, {arena(64, {8}, DType::f64)}, kWhole);
  });
  rejects("flags 0x2 ask for tf32; only products and convolutions have a precision", [](ProgramBuilder& b) {
    b.instruction("copy", {arena(0, {8})}, {arena(64, {8})}, kWhole, false, Precision::tf32);
  });
  rejects("unknown flags 0x6", [](ProgramBuilder& b) {
    b.instruction("copy", {arena(0, {8})}, {arena(64, {8})}, kWhole, false, static_cast<Precision>(3));
  });
  rejects("gemm in bf16: a CPU computes in fp32 only; choose fp32, or a GPU", [](ProgramBuilder& b) {
    b.instruction("gemm", {arena(0, {2, 3}), arena(32, {3, 1})}, {arena(64, {2, 1})}, {0, 0, 2, 1, 0, 1, 0}, false,
                  Precision::bf16);
  });
  rejects("rank 7", [](ProgramBuilder& b) {
    b.instruction("copy", {arena(0, {1, 1, 1, 1, 1, 1, 8})}, {arena(64, {8})}, kWhole);
  });
  rejects(
      "cannot be allocated", [](ProgramBuilder& b) { b.arena_bytes = uint64_t{1} << 62; }, "reference");
}

TEST_CASE("a slot's memory must be large enough, writable where it is written, and of the same device") {
  Device device("cpu", 1), other("cpu", 1);
  ProgramBuilder builder;
  builder.slot(DType::i64, 8);
  builder.instruction("counter_add", {}, {{0, DType::i64, 0, {1}}}, {1});
  std::vector<std::byte> bytes = builder.bytes();
  alignas(8) char host[8] = {};
  kt_memory* wrapped;
  REQUIRE_EQ(kt_memory_wrap(device.handle, host, sizeof host, &wrapped), KT_OK);
  Memory small(device, 4), foreign(other, 8);
  for (kt_memory* memory : {wrapped, small.handle, foreign.handle, static_cast<kt_memory*>(nullptr)}) {
    kt_program* program = nullptr;
    CHECK_EQ(kt_program_create(device.handle, bytes.data(), bytes.size(), &memory, 1, &program), KT_INVALID_ARGUMENT);
  }
  CHECK_EQ(kt_memory_write(wrapped, 0, "x", 1), KT_INVALID_ARGUMENT);
  char back[8] = {1};
  CHECK_EQ(kt_memory_read(wrapped, 0, back, 8), KT_OK);
  CHECK_EQ(back[0], 0);
  CHECK_EQ(kt_memory_read(wrapped, 1, back, 8), KT_INVALID_ARGUMENT);
  CHECK_EQ(kt_memory_read(wrapped, UINT64_MAX, back, 2), KT_INVALID_ARGUMENT);
  CHECK_EQ(kt_memory_free(wrapped), KT_OK);
}

TEST_CASE("null and open handles are met with an error") {
  kt_device* device = nullptr;
  kt_memory* memory = nullptr;
  CHECK_EQ(kt_device_open(nullptr, 1, &device), KT_INVALID_ARGUMENT);
  CHECK_EQ(kt_device_open("cpu", 1, nullptr), KT_INVALID_ARGUMENT);
  CHECK_EQ(kt_device_open("cpu", -1, &device), KT_INVALID_ARGUMENT);
  CHECK_EQ(kt_device_open("cpu-sse9", 1, &device), KT_INVALID_ARGUMENT);
  CHECK_EQ(kt_device_open("tpu", 1, &device), KT_UNSUPPORTED);
  CHECK_NE(std::string(kt_error_message()).find("'tpu'; there are auto, cpu"), std::string::npos);
  CHECK_EQ(kt_program_run(nullptr, 1, nullptr), KT_INVALID_ARGUMENT);
  CHECK_EQ(kt_program_cancel(nullptr), KT_INVALID_ARGUMENT);
  REQUIRE_EQ(kt_device_open("cpu", 1, &device), KT_OK);
  CHECK_EQ(kt_memory_allocate(device, 0, &memory), KT_INVALID_ARGUMENT);
  CHECK_EQ(kt_memory_allocate(device, uint64_t{1} << 62, &memory), KT_OUT_OF_MEMORY);
  CHECK_NE(std::string(kt_error_message()).find("4611686018427387904 bytes"), std::string::npos);
  REQUIRE_EQ(kt_memory_allocate(device, 8, &memory), KT_OK);
  CHECK_EQ(kt_device_close(device), KT_INVALID_ARGUMENT);  // the memory is open
  CHECK_EQ(kt_memory_free(reinterpret_cast<kt_memory*>(device)), KT_INVALID_ARGUMENT);
  CHECK_EQ(kt_memory_free(memory), KT_OK);
  CHECK_EQ(kt_device_close(device), KT_OK);
}
