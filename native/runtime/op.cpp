#include "runtime/op.h"

#include <bit>
#include <cstdarg>
#include <cstdio>

namespace kantor {

int64_t size_of(DType dtype) {
  switch (dtype) {
    case DType::f32: return 4;
    case DType::f64: return 8;
    case DType::u8: return 1;
    case DType::i32: return 4;
    case DType::i64: return 8;
  }
  fail(KT_INTERNAL, "no such dtype: %d", static_cast<int>(dtype));
}

const char* name_of(DType dtype) {
  switch (dtype) {
    case DType::f32: return "f32";
    case DType::f64: return "f64";
    case DType::u8: return "u8";
    case DType::i32: return "i32";
    case DType::i64: return "i64";
  }
  return "?";
}

const char* name_of(Precision precision) {
  switch (precision) {
    case Precision::fp32: return "fp32";
    case Precision::tf32: return "tf32";
    case Precision::bf16: return "bf16";
  }
  return "?";
}

bool has_precision(std::string_view op) {
  for (const char* name : {"gemm", "conv2d", "conv2d_data_grad", "conv2d_weight_grad", "conv2d_chain"})
    if (op == name) return true;
  return false;
}

double Tensor::get(int64_t i) const {
  switch (dtype) {
    case DType::f32: return as<float>()[i];
    case DType::f64: return as<double>()[i];
    case DType::u8: return as<uint8_t>()[i];
    case DType::i32: return as<int32_t>()[i];
    case DType::i64: return static_cast<double>(as<int64_t>()[i]);
  }
  return 0;
}

void Tensor::set(int64_t i, double value) const {
  switch (dtype) {
    case DType::f32: as<float>()[i] = static_cast<float>(value); return;
    case DType::f64: as<double>()[i] = value; return;
    case DType::u8: as<uint8_t>()[i] = static_cast<uint8_t>(value); return;
    case DType::i32: as<int32_t>()[i] = static_cast<int32_t>(value); return;
    case DType::i64: as<int64_t>()[i] = static_cast<int64_t>(value); return;
  }
}

namespace {

std::string list(const int64_t* dims, size_t rank) {
  std::string text = "[";
  for (size_t i = 0; i < rank; ++i) text += (i ? ", " : "") + std::to_string(dims[i]);
  return text + "]";
}

}  // namespace

std::string Tensor::describe() const { return name_of(dtype) + list(dims, static_cast<size_t>(rank)); }

float Node::attribute_f32(size_t i) const {
  return std::bit_cast<float>(static_cast<uint32_t>(static_cast<uint64_t>(attributes[i])));
}

void Node::reject(const char* format, ...) const {
  va_list arguments;
  va_start(arguments, format);
  char message[512];
  std::vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  throw Error(KT_INVALID_ARGUMENT, std::string(op) + ": " + message);
}

void Node::expect_operands(size_t in_count, size_t out_count) const {
  if (in.size() != in_count || out.size() != out_count)
    reject("expected %zu inputs and %zu outputs, got %zu and %zu", in_count, out_count, in.size(), out.size());
}

void Node::expect_at_least(size_t in_count, size_t out_count, size_t attribute_count) const {
  if (in.size() < in_count || out.size() < out_count || attributes.size() < attribute_count)
    reject("expected at least %zu inputs, %zu outputs and %zu attributes, got %zu, %zu and %zu", in_count, out_count,
           attribute_count, in.size(), out.size(), attributes.size());
}

void Node::expect_dtype(const Tensor& t, DType dtype, const char* role) const {
  if (t.dtype != dtype) reject("%s is %s; expected %s", role, t.describe().c_str(), name_of(dtype));
}

void Node::expect_shape(const Tensor& t, std::initializer_list<int64_t> dims, const char* role) const {
  bool equal = static_cast<size_t>(t.rank) == dims.size();
  for (size_t i = 0; equal && i < dims.size(); ++i) equal = t.dims[i] == dims.begin()[i];
  if (!equal) reject("%s is %s; expected %s", role, t.describe().c_str(), list(dims.begin(), dims.size()).c_str());
}

}  // namespace kantor
