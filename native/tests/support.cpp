#include "support.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <utility>

namespace kantor::test {

Value::Value(DType dtype, std::vector<int64_t> dims) : dtype(dtype), dims(std::move(dims)) {
  bytes.resize(static_cast<size_t>(count() * size_of(dtype)));
}

int64_t Value::count() const {
  int64_t n = 1;
  for (int64_t d : dims) n *= d;
  return n;
}

Tensor Value::tensor() const {
  Tensor t;
  t.data = const_cast<std::byte*>(bytes.data());
  t.dtype = dtype;
  t.rank = static_cast<int>(dims.size());
  std::copy(dims.begin(), dims.end(), t.dims);
  return t;
}

double Value::get(int64_t i) const { return tensor().get(i); }
void Value::set(int64_t i, double value) { tensor().set(i, value); }

namespace {

Value filled(DType dtype, std::vector<int64_t> dims, const std::vector<double>& elements) {
  Value value(dtype, std::move(dims));
  REQUIRE((elements.empty() || static_cast<int64_t>(elements.size()) == value.count()));
  for (size_t i = 0; i < elements.size(); ++i) value.set(static_cast<int64_t>(i), elements[i]);
  return value;
}

template <class T>
void append(std::vector<std::byte>& bytes, T value) {
  size_t at = bytes.size();
  bytes.resize(at + sizeof value);
  std::memcpy(bytes.data() + at, &value, sizeof value);
}

// What went wrong, for a REQUIRE.
std::string outcome(kt_status status) {
  return status == KT_OK ? "ok" : "status " + std::to_string(status) + ": " + kt_error_message();
}

}  // namespace

Value f32(std::vector<int64_t> dims, const std::vector<double>& elements) {
  return filled(DType::f32, std::move(dims), elements);
}
Value f64(std::vector<int64_t> dims, const std::vector<double>& elements) {
  return filled(DType::f64, std::move(dims), elements);
}
Value u8(std::vector<int64_t> dims, const std::vector<double>& elements) {
  return filled(DType::u8, std::move(dims), elements);
}
Value i32(std::vector<int64_t> dims, const std::vector<double>& elements) {
  return filled(DType::i32, std::move(dims), elements);
}
Value i64(std::vector<int64_t> dims, const std::vector<double>& elements) {
  return filled(DType::i64, std::move(dims), elements);
}

Value random(DType dtype, std::vector<int64_t> dims, uint64_t seed, double low, double high) {
  Value value(dtype, std::move(dims));
  std::mt19937_64 generator(seed);
  std::uniform_real_distribution<double> uniform(low, high);
  for (int64_t i = 0; i < value.count(); ++i) value.set(i, uniform(generator));
  return value;
}

uint32_t ProgramBuilder::slot(DType dtype, uint64_t bytes) {
  append(slots_, static_cast<uint32_t>(dtype));
  append(slots_, bytes);
  return slot_count_++;
}

void ProgramBuilder::instruction(const std::string& op, const std::vector<Operand>& in, const std::vector<Operand>& out,
                                 const std::vector<int64_t>& attributes, bool guarded, Precision precision) {
  append(instructions_, static_cast<uint16_t>(op.size()));
  for (char c : op) append(instructions_, c);
  append(instructions_, uint32_t{guarded} | static_cast<uint32_t>(precision) << 1);
  append(instructions_, static_cast<uint32_t>(in.size()));
  append(instructions_, static_cast<uint32_t>(out.size()));
  append(instructions_, static_cast<uint32_t>(attributes.size()));
  for (const auto* operands : {&in, &out})
    for (const Operand& operand : *operands) {
      append(instructions_, operand.slot);
      append(instructions_, static_cast<uint32_t>(operand.dtype));
      append(instructions_, operand.offset);
      append(instructions_, static_cast<uint32_t>(operand.dims.size()));
      for (int64_t d : operand.dims) append(instructions_, d);
    }
  for (int64_t attribute : attributes) append(instructions_, attribute);
  ++instruction_count_;
}

std::vector<std::byte> ProgramBuilder::bytes() const {
  std::vector<std::byte> all;
  append(all, uint32_t{0x5250544B});
  append(all, uint32_t{1});
  append(all, slot_count_);
  all.insert(all.end(), slots_.begin(), slots_.end());
  append(all, arena_bytes);
  append(all, fault_slot);
  append(all, instruction_count_);
  all.insert(all.end(), instructions_.begin(), instructions_.end());
  return all;
}

Device::Device(const std::string& name, int threads) {
  REQUIRE_EQ(outcome(kt_device_open(name.c_str(), threads, &handle)), "ok");
}
Device::~Device() { CHECK_EQ(outcome(kt_device_close(handle)), "ok"); }

Memory::Memory(const Device& device, uint64_t bytes) {
  REQUIRE_EQ(outcome(kt_memory_allocate(device.handle, bytes, &handle)), "ok");
}
Memory::Memory(const Device& device, const Value& value) : Memory(device, value.bytes.size()) { write(value); }
Memory::Memory(Memory&& other) noexcept : handle(std::exchange(other.handle, nullptr)) {}
Memory::~Memory() {
  if (handle) CHECK_EQ(outcome(kt_memory_free(handle)), "ok");
}
void Memory::write(const Value& value) const {
  REQUIRE_EQ(outcome(kt_memory_write(handle, 0, value.bytes.data(), value.bytes.size())), "ok");
}
Value Memory::read(const Value& like) const {
  Value value(like.dtype, like.dims);
  REQUIRE_EQ(outcome(kt_memory_read(handle, 0, value.bytes.data(), value.bytes.size())), "ok");
  return value;
}

Program::Program(const Device& device, const std::vector<std::byte>& bytes, const std::vector<kt_memory*>& slots) {
  REQUIRE_EQ(outcome(kt_program_create(device.handle, bytes.data(), bytes.size(), slots.data(), slots.size(), &handle)),
             "ok");
}
Program::~Program() { CHECK_EQ(outcome(kt_program_destroy(handle)), "ok"); }

namespace {

// A one-op program over a device: each operand has a slot of its own, but for outputs that are an input.
struct OneOp {
  OneOp(const OpCase& c, const Device& device) {
    std::vector<ProgramBuilder::Operand> in, out;
    auto add = [&](const Value& v) {
      memories.emplace_back(device, v);
      slots.push_back(memories.back().handle);
      return ProgramBuilder::Operand{builder.slot(v.dtype, v.bytes.size()), v.dtype, 0, v.dims};
    };
    for (const Value& v : c.in) in.push_back(add(v));
    for (size_t k = 0; k < c.out.size(); ++k) {
      bool aliased = k < c.alias.size() && c.alias[k] >= 0;
      out.push_back(aliased ? in[static_cast<size_t>(c.alias[k])] : add(c.out[k]));
      out.back().dims = c.out[k].dims;
      out_slots.push_back(out.back().slot);
    }
    builder.instruction(c.op, in, out, c.attributes, false, c.precision);
  }
  std::vector<Memory> memories;
  std::vector<kt_memory*> slots;
  std::vector<uint32_t> out_slots;
  ProgramBuilder builder;
};

}  // namespace

Outcome attempt_op(const OpCase& c, const std::string& device_name, int threads, int iterations) {
  Device device(device_name, threads);
  OneOp one(c, device);
  Outcome result = {};
  {
    Program program(device, one.builder.bytes(), one.slots);
    result.status = kt_program_run(program.handle, iterations, nullptr);
    result.message = outcome(result.status);
  }
  for (size_t k = 0; k < c.out.size(); ++k) result.out.push_back(one.memories[one.out_slots[k]].read(c.out[k]));
  return result;
}

std::vector<Value> run_op(const OpCase& c, const std::string& device, int threads, int iterations) {
  Outcome result = attempt_op(c, device, threads, iterations);
  REQUIRE_EQ(result.message, "ok");
  return result.out;
}

double rounding_of(Precision precision) {
  // Half a unit of the last place of each factor, and a little for the product of both.
  switch (precision) {
    case Precision::fp32: return 0;
    case Precision::tf32: return 1.01 * 0x1p-10;
    case Precision::bf16: return 1.01 * 0x1p-7;
  }
  return 0;
}

double max_relative_error(const Value& got, const Value& want, double floor) {
  REQUIRE_EQ(got.count(), want.count());
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  double largest = 0, worst = 0;
  for (int64_t i = 0; i < want.count(); ++i)
    if (std::isfinite(want.get(i))) largest = std::max(largest, std::abs(want.get(i)));
  for (int64_t i = 0; i < want.count(); ++i) {
    double g = got.get(i), w = want.get(i);
    if (g == w || (std::isnan(g) && std::isnan(w))) continue;
    if (!std::isfinite(g) || !std::isfinite(w)) return kInfinity;
    double scale = std::max(std::abs(w), floor * largest);
    worst = std::max(worst, scale > 0 ? std::abs(g - w) / scale : kInfinity);
  }
  return worst;
}

bool same_bits(const Value& a, const Value& b) { return a.bytes == b.bytes; }

void check_op(const OpCase& c, double tolerance, int iterations, double floor) {
  CAPTURE(c.op);
  if (least_tolerance() > tolerance) tolerance = least_tolerance(), floor = 1;
  std::vector<Value> want = run_op(c, "reference", 1, iterations);
  for (const std::string& device : tested_devices()) {
    CAPTURE(device);
    std::vector<Value> one = run_op(c, device, 1, iterations), two = run_op(c, device, 2, iterations);
    for (size_t k = 0; k < want.size(); ++k) {
      CAPTURE(k);
      bool exact = tolerance == 0 || (c.out[k].dtype != DType::f32 && c.out[k].dtype != DType::f64);
      if (exact)
        CHECK(same_bits(one[k], want[k]));
      else
        CHECK_LE(max_relative_error(one[k], want[k], floor), tolerance);
      CHECK(same_bits(two[k], one[k]));
    }
  }
}

Rejection try_op(const OpCase& c, const std::string& device_name) {
  Device device(device_name, 1);
  OneOp one(c, device);
  std::vector<std::byte> bytes = one.builder.bytes();
  kt_program* program = nullptr;
  kt_status status =
      kt_program_create(device.handle, bytes.data(), bytes.size(), one.slots.data(), one.slots.size(), &program);
  if (status != KT_OK) return {status, kt_error_message()};
  kt_program_destroy(program);
  return {status, ""};
}

}  // namespace kantor::test
