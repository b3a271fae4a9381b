// What the tests of ops are made of: a program written by hand, one op run on every device, and the comparison with the
// reference.
//
//   check_op({"gather", {u8({3, 4}, ...), i32({2}, {2, 0})}, {f32({2, 4})}, {bits(1.0f), bits(0.0f)}}, 1e-6);
//
// runs the op on "reference" and, with one and two threads, on each of tested_devices(): the instruction sets that this
// processor has; compares the outputs with the reference's, and those for two threads, bit for bit, with those for one.
#pragma once
#include <bit>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "kantor/kantor.h"
#include "runtime/op.h"

namespace kantor::test {

// A tensor with its elements, on the host.
struct Value {
  DType dtype = DType::f32;
  std::vector<int64_t> dims;
  std::vector<std::byte> bytes;

  Value() = default;
  Value(DType dtype, std::vector<int64_t> dims);  // zeros
  int64_t count() const;
  double get(int64_t i) const;
  void set(int64_t i, double value);
  Tensor tensor() const;
};

// Zeros where no elements are given.
Value f32(std::vector<int64_t> dims, const std::vector<double>& elements = {});
Value f64(std::vector<int64_t> dims, const std::vector<double>& elements = {});
Value u8(std::vector<int64_t> dims, const std::vector<double>& elements = {});
Value i32(std::vector<int64_t> dims, const std::vector<double>& elements = {});
Value i64(std::vector<int64_t> dims, const std::vector<double>& elements = {});
// Uniform in [low, high), the same for the same seed.
Value random(DType dtype, std::vector<int64_t> dims, uint64_t seed, double low = -1, double high = 1);
inline Value random(std::vector<int64_t> dims, uint64_t seed) { return random(DType::f32, std::move(dims), seed); }
// A float attribute.
inline int64_t bits(float value) { return std::bit_cast<uint32_t>(value); }

// Writes the bytes of runtime/program_format.h.
class ProgramBuilder {
 public:
  struct Operand {
    uint32_t slot;
    DType dtype;
    uint64_t offset;
    std::vector<int64_t> dims;
  };
  uint32_t slot(DType dtype, uint64_t bytes);
  void instruction(const std::string& op, const std::vector<Operand>& in, const std::vector<Operand>& out,
                   const std::vector<int64_t>& attributes = {}, bool guarded = false,
                   Precision precision = Precision::fp32);
  std::vector<std::byte> bytes() const;

  uint64_t arena_bytes = 0;
  uint32_t fault_slot = 0xFFFFFFFF;

 private:
  std::vector<std::byte> slots_, instructions_;
  uint32_t slot_count_ = 0, instruction_count_ = 0;
};

// Handles that close themselves. Each function requires KT_OK.
class Device {
 public:
  Device(const std::string& name, int threads);
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;
  kt_device* handle = nullptr;
};
class Memory {
 public:
  Memory(const Device& device, uint64_t bytes);
  Memory(const Device& device, const Value& value);
  Memory(Memory&& other) noexcept;
  ~Memory();
  void write(const Value& value) const;
  Value read(const Value& like) const;
  kt_memory* handle = nullptr;
};
class Program {
 public:
  Program(const Device& device, const std::vector<std::byte>& bytes, const std::vector<kt_memory*>& slots);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  kt_program* handle = nullptr;
};

// The devices that are held to the reference: tested_devices.cpp's, or those of another program of tests.
std::vector<std::string> tested_devices();
// Whether those are fast enough for a case of so many multiplications, and for every combination of a table's columns;
// else some cases are left out, and each row meets one combination.
bool affordable(int64_t multiplications);
bool all_combinations();
// By how many units in the last place more than in Kantor's own functions exp may be off there.
double exp_ulps();
// By how much at most what they compute may differ where a case asks for the reference's bits, or less; relative to the
// largest element. 0: not at all.
double least_tolerance();
// What those devices take of gemm's and the convolutions' precisions, fp32 first; and by how much of itself at most a
// product of two factors differs that are rounded so.
std::vector<Precision> tested_precisions();
double rounding_of(Precision precision);

// One op. An output's elements are what its memory holds before the run; output k is the memory of input alias[k] where
// that is not -1 (its elements are ignored then).
struct OpCase {
  std::string op;
  std::vector<Value> in, out;
  std::vector<int64_t> attributes;
  std::vector<int> alias = {};
  Precision precision = Precision::fp32;
};

// How such runs on a device end.
struct Outcome {
  kt_status status;
  std::string message;
  std::vector<Value> out;
};
Outcome attempt_op(const OpCase& c, const std::string& device, int threads, int iterations = 1);
// The outputs after `iterations` runs on a device. Requires success.
std::vector<Value> run_op(const OpCase& c, const std::string& device, int threads, int iterations = 1);

// The largest |got - want| / max(|want|, floor * the largest finite |want|); 0 if equal, infinite where one is NaN or
// infinite and the other not the same.
double max_relative_error(const Value& got, const Value& want, double floor = 1e-3);
bool same_bits(const Value& a, const Value& b);

// See the top. tolerance 0 asks for the reference's bits, another bounds max_relative_error; integer outputs must always
// be equal.
void check_op(const OpCase& c, double tolerance, int iterations = 1, double floor = 1e-3);

// The status of creating a program of this one op on a device, and its error text.
struct Rejection {
  kt_status status;
  std::string message;
};
Rejection try_op(const OpCase& c, const std::string& device = "cpu");

}  // namespace kantor::test
