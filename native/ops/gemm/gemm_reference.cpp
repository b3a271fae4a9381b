#include "ops/gemm/gemm.h"

namespace kantor {
namespace {

constexpr size_t kProgramAt = 2;  // the epilogue's words follow transpose_a and transpose_b
constexpr size_t kFirstOperand = 2;

bool overlap(const Tensor& a, const Tensor& b) { return a.data < b.data + b.bytes() && b.data < a.data + a.bytes(); }

}  // namespace

void validate_gemm(const Node& node) {
  node.expect_at_least(2, 1, kProgramAt);
  const Tensor &a = node.in[0], &b = node.in[1];
  if (a.dtype != DType::f32 && a.dtype != DType::f64) node.reject("A is %s; expected f32 or f64", a.describe().c_str());
  node.expect_dtype(b, a.dtype, "B");
  if (a.rank != 2 || b.rank != 2)
    node.reject("A is %s and B is %s; expected two matrices", a.describe().c_str(), b.describe().c_str());
  for (size_t i = 0; i < kProgramAt; ++i)
    if (node.attributes[i] != 0 && node.attributes[i] != 1)
      node.reject("transpose_%c is %lld; expected 0 or 1", static_cast<int>("ab"[i]),
                  static_cast<long long>(node.attributes[i]));
  bool transpose_a = node.attributes[0] != 0, transpose_b = node.attributes[1] != 0;
  int64_t m = a.dims[transpose_a], depth = a.dims[!transpose_a], n = b.dims[!transpose_b];
  if (m < 1 || n < 1 || depth < 1)
    node.reject("A is %s and B is %s; expected no empty dimension", a.describe().c_str(), b.describe().c_str());
  if (b.dims[transpose_b] != depth)
    node.reject(transpose_b ? "A is %s%s and B is %s, transposed; expected B to be [*, %lld]"
                            : "A is %s%s and B is %s; expected B to be [%lld, *]",
                a.describe().c_str(), transpose_a ? ", transposed," : "", b.describe().c_str(),
                static_cast<long long>(depth));
  size_t position = kProgramAt;
  PwProgram program = PwProgram::decode(node, &position, kFirstOperand, 0, true);
  if (position != node.attributes.size())
    node.reject("%zu attributes follow the epilogue; expected none", node.attributes.size() - position);
  if (program.rows != m || program.cols != n)
    node.reject("the epilogue is over [%lld, %lld]; expected [%lld, %lld], the shape of the product",
                static_cast<long long>(program.rows), static_cast<long long>(program.cols), static_cast<long long>(m),
                static_cast<long long>(n));
  node.expect_dtype(node.out[0], a.dtype, "output 0");
  for (const Tensor& out : node.out)
    if (overlap(out, a) || overlap(out, b)) node.reject("an output overlaps A or B; expected memory of its own");
}

void reference_gemm(const Node& node) {
  size_t position = kProgramAt;
  PwProgram program = PwProgram::decode(node, &position, kFirstOperand, 0, true);
  const Tensor &a = node.in[0], &b = node.in[1];
  bool transpose_a = node.attributes[0] != 0, transpose_b = node.attributes[1] != 0;
  int64_t depth = a.dims[!transpose_a];
  for (int64_t row = 0; row < program.rows; ++row) {
    for (int64_t col = 0; col < program.cols; ++col) {
      double sum = 0;
      for (int64_t k = 0; k < depth; ++k)
        sum += a.get(transpose_a ? k * program.rows + row : row * depth + k) *
               b.get(transpose_b ? col * depth + k : k * program.cols + col);
      double registers[kRegisters] = {};
      reference_pointwise_element(program, node.in.data() + kFirstOperand, node.out.data(), sum, row, col, registers);
    }
  }
}

}  // namespace kantor
