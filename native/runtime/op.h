// What an op is to the runtime: it validates a node, and on a CPU prepares it into phases of tasks.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/error.h"

namespace kantor {

enum class DType : int32_t { f32 = 0, f64 = 1, u8 = 2, i32 = 3, i64 = 4 };
int64_t size_of(DType dtype);
const char* name_of(DType dtype);

constexpr int kMaxRank = 6;

// A contiguous row-major block. A scalar has rank 0 and one element.
struct Tensor {
  std::byte* data = nullptr;
  DType dtype = DType::f32;
  int rank = 0;
  int64_t dims[kMaxRank] = {};

  int64_t count() const {
    int64_t n = 1;
    for (int i = 0; i < rank; ++i) n *= dims[i];
    return n;
  }
  int64_t bytes() const { return count() * size_of(dtype); }
  template <class T>
  T* as() const { return reinterpret_cast<T*>(data); }
  float* f32() const { return as<float>(); }

  // Element access through double for the reference kernels, whatever the type.
  double get(int64_t i) const;
  void set(int64_t i, double value) const;
  std::string describe() const;  // "f32[64, 784]"
};

// How a device may round the factors of a product (program_format.h). A CPU takes fp32 alone; the reference never rounds.
enum class Precision : uint8_t { fp32 = 0, tf32 = 1, bf16 = 2 };
const char* name_of(Precision precision);
// Whether an op is one of those that have a precision.
bool has_precision(std::string_view op);

// One instruction of a program: what ops/<op>/<op>.h documents.
struct Node {
  std::string_view op;
  std::vector<Tensor> in, out;
  std::vector<int64_t> attributes;
  Precision precision = Precision::fp32;

  float attribute_f32(size_t i) const;  // the low 32 bits of attribute i as a float
  // The remaining functions fail() with a text that names the op and what it expected.
  void expect_operands(size_t in_count, size_t out_count) const;
  void expect_at_least(size_t in_count, size_t out_count, size_t attribute_count) const;
  void expect_dtype(const Tensor& t, DType dtype, const char* role) const;
  void expect_shape(const Tensor& t, std::initializer_list<int64_t> dims, const char* role) const;
  [[noreturn]] void reject(const char* format, ...) const __attribute__((format(printf, 2, 3)));
};

// How a CPU runs a node: phases one after another, each a number of tasks in any order and on any thread.
// The partition must not depend on the number of threads, and no two tasks of one phase may write the same place: so the
// same inputs give the same bits however many threads there are.
struct Phase {
  int tasks;
  std::function<void(int task, std::byte* scratch)> body;
};

class Plan {
 public:
  // Adds a phase. The body may capture addresses of the node's tensors; it must not allocate or lock.
  void phase(int tasks, std::function<void(int task, std::byte* scratch)> body) {
    phases.push_back({tasks, std::move(body)});
  }
  // Reserves bytes of scratch, shared by all phases and tasks of this node; returns its offset from the scratch address that
  // the bodies get (64-byte aligned). Not zeroed, and not kept from one iteration to the next.
  size_t scratch(size_t bytes) {
    size_t at = scratch_bytes;
    scratch_bytes += (bytes + 63) / 64 * 64;
    return at;
  }

  std::vector<Phase> phases;
  size_t scratch_bytes = 0;
};

using ValidateFunction = void (*)(const Node&);           // throws Error; afterwards prepare and reference may trust the node
using PrepareFunction = void (*)(const Node&, Plan&);     // f32 kernels, one build per instruction set
using ReferenceFunction = void (*)(const Node&);          // runs the whole node, f32 or f64, through Tensor::get / set

enum class Isa { portable, avx2, avx512 };

struct OpEntry {
  const char* name;
  ValidateFunction validate;
  ReferenceFunction reference;
  PrepareFunction prepare[3];  // by Isa
};

// Null if there is no such op. The table is ops/ops.def.
const OpEntry* find_op(std::string_view name);

}  // namespace kantor
