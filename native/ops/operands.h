// Checks that the ops of this folder share. Each fails with a text that names the op, the operand and what was
// expected.
#pragma once
#include "runtime/op.h"

namespace kantor {

inline void expect_attributes(const Node& node, size_t count) {
  if (node.attributes.size() != count)
    node.reject("%zu attributes given, expected %zu", node.attributes.size(), count);
}

// float32, or float64 on the reference device; all real operands of a node have one type.
inline void expect_real(const Node& node, const Tensor& t, DType dtype, const char* role) {
  if (dtype != DType::f32 && dtype != DType::f64)
    node.reject("%s is %s, expected float32 (or float64 on the reference device)", role, name_of(dtype));
  node.expect_dtype(t, dtype, role);
}

// The runtime already rejects overlap in part, and any between outputs; this rejects one memory for an output and an
// input.
inline void expect_apart(const Node& node, const Tensor& out, const Tensor& in, const char* roles) {
  if (out.data < in.data + in.bytes() && in.data < out.data + out.bytes())
    node.reject("%s share memory; give each its own", roles);
}

inline void expect_matrix(const Node& node, const Tensor& t, const char* role) {
  if (t.rank != 2 || t.dims[0] < 1 || t.dims[1] < 1)
    node.reject("%s is %s; expected [rows, columns], at least one of each", role, t.describe().c_str());
}

// What the random ops have in common: in[0] seed i64[1], in[1] counter i64[1]; attributes from first on: step scale and
// offset.
inline void expect_random_step(const Node& node, size_t first) {
  node.expect_dtype(node.in[0], DType::i64, "the seed");
  node.expect_dtype(node.in[1], DType::i64, "the counter");
  if (node.in[0].count() != 1 || node.in[1].count() != 1)
    node.reject("seed is %s and counter %s; each must hold one value", node.in[0].describe().c_str(),
                node.in[1].describe().c_str());
  if (node.attributes[first] < 0 || node.attributes[first + 1] < 0)
    node.reject("step scale %lld and offset %lld must not be negative", static_cast<long long>(node.attributes[first]),
                static_cast<long long>(node.attributes[first + 1]));
}

// A Philox stream filling out[0]: attributes stream, step scale, step offset first.
inline void expect_random_stream(const Node& node) {
  expect_random_step(node, 1);
  expect_real(node, node.out[0], node.out[0].dtype, "the output");
  if (node.attributes[0] < 0 || node.attributes[0] > INT64_C(0xFFFFFFFF))
    node.reject("stream %lld is not in [0, 2^32)", static_cast<long long>(node.attributes[0]));
  if (node.out[0].count() > INT64_C(1) << 34)
    node.reject("%s has more than the 2^34 elements of a stream; fill it in parts", node.out[0].describe().c_str());
}

}  // namespace kantor
