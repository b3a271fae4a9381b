#include "ops/conv2d/conv2d.h"

namespace kantor {
namespace {

constexpr size_t kGeometryWords = 6;  // SH, SW, PH, PW, DH, DW; the programs' words follow
constexpr size_t kFirstOperand = 2;

long long wide(int64_t value) { return static_cast<long long>(value); }

bool overlap(const Tensor& a, const Tensor& b) { return a.data < b.data + b.bytes() && b.data < a.data + a.bytes(); }

void expect_planes(const Node& node, const Tensor& t, const char* role) {
  if (t.rank != 4) node.reject("%s is %s; expected four axes", role, t.describe().c_str());
  for (int axis = 0; axis < 4; ++axis)
    if (t.dims[axis] < 1) node.reject("%s is %s; expected no empty dimension", role, t.describe().c_str());
}

void expect_extent(const Node& node, const char* axis, int64_t large, int64_t kernel, int64_t small, int64_t stride,
                   int64_t padding, int64_t dilation) {
  constexpr int64_t kLimit = int64_t{1} << 24;  // keeps sums and products of them far from overflow
  if (stride < 1 || dilation < 1 || padding < 0 || stride > kLimit || dilation > kLimit || padding > kLimit)
    node.reject("stride %lld, padding %lld and dilation %lld along the %s; expected 1, 0 and 1 or more, below 2^24",
                wide(stride), wide(padding), wide(dilation), axis);
  int64_t room = large + 2 * padding - dilation * (kernel - 1) - 1;
  if (room < 0)
    node.reject("a kernel of %s %lld with dilation %lld does not fit into %lld padded by %lld", axis, wide(kernel),
                wide(dilation), wide(large), wide(padding));
  if (room / stride + 1 != small)
    node.reject("%s %lld gives %lld with kernel %lld, stride %lld, padding %lld and dilation %lld; expected %lld", axis,
                wide(large), wide(room / stride + 1), wide(kernel), wide(stride), wide(padding), wide(dilation),
                wide(small));
}

}  // namespace

ConvShape conv_shape(const Node& node, const Tensor& x, const Tensor& weight, const Tensor& y) {
  expect_planes(node, x, "X");
  expect_planes(node, weight, "the weight");
  expect_planes(node, y, "Y");
  if (x.dims[1] != weight.dims[1])
    node.reject("weight is [%lld, %lld, %lld, %lld] but the input has %lld channels; expected [*, %lld, *, *]",
                wide(weight.dims[0]), wide(weight.dims[1]), wide(weight.dims[2]), wide(weight.dims[3]), wide(x.dims[1]),
                wide(x.dims[1]));
  if (y.dims[1] != weight.dims[0])
    node.reject("weight is [%lld, %lld, %lld, %lld] but Y has %lld channels; expected [%lld, *, *, *]",
                wide(weight.dims[0]), wide(weight.dims[1]), wide(weight.dims[2]), wide(weight.dims[3]), wide(y.dims[1]),
                wide(y.dims[1]));
  if (y.dims[0] != x.dims[0])
    node.reject("X holds %lld images and Y %lld; expected as many", wide(x.dims[0]), wide(y.dims[0]));
  const std::vector<int64_t>& a = node.attributes;
  ConvShape shape = {x.dims[0],      x.dims[1],      x.dims[2], x.dims[3], y.dims[1],
                     weight.dims[2], weight.dims[3], y.dims[2], y.dims[3], a[0],
                     a[1],           a[2],           a[3],      a[4],      a[5]};
  expect_extent(node, "height", shape.h, shape.r, shape.p, shape.sh, shape.ph, shape.dh);
  expect_extent(node, "width", shape.w, shape.s, shape.q, shape.sw, shape.pw, shape.dw);
  return shape;
}

ConvPrologue ConvPrologue::decode(const Node& node, size_t operand, size_t* position, size_t* first_in) {
  if (*position >= node.attributes.size()) node.reject("the attributes end before input %zu's prologue", operand);
  ConvPrologue prologue;
  const int64_t result = node.attributes[(*position)++];
  if (result < -1 || result >= kRegisters)
    node.reject("the prologue's register is %lld; expected -1 to %d", wide(result), kRegisters - 1);
  if (result < 0) return prologue;
  prologue.result = static_cast<int>(result);
  prologue.first_in = *first_in;
  const PwProgram& program = prologue.program = PwProgram::decode_part(node, position, *first_in, 0, true);
  *first_in += program.operands.size();
  bool written = false;
  for (const PwInstruction& code : program.code) written = written || (code.op != Pw::store && code.dst == result);
  if (program.stores > 0 || !written)
    node.reject("input %zu's prologue must store nothing and write register %lld", operand, wide(result));
  const Tensor& t = node.in[operand];
  const int64_t rows = t.dims[0] * t.dims[1], cols = t.dims[2] * t.dims[3];
  if (program.rows != rows || program.cols != cols)
    node.reject("input %zu's prologue is over [%lld, %lld]; expected [%lld, %lld], the planes of %s", operand,
                wide(program.rows), wide(program.cols), wide(rows), wide(cols), t.describe().c_str());
  for (size_t i = prologue.first_in; i < *first_in; ++i)
    node.expect_dtype(node.in[i], t.dtype, "an operand of a prologue");
  return prologue;
}

ConvPrograms ConvPrograms::decode(const Node& node) {
  size_t position = kGeometryWords;
  ConvPrograms programs;
  programs.epilogue_in = kFirstOperand;
  programs.prologue = ConvPrologue::decode(node, 0, &position, &programs.epilogue_in);
  programs.epilogue = PwProgram::decode(node, &position, programs.epilogue_in, 0, true);
  if (position != node.attributes.size())
    node.reject("%zu attributes follow the epilogue; expected none", node.attributes.size() - position);
  return programs;
}

std::vector<double> reference_conv_operand(const Node& node, size_t operand, const ConvPrologue& prologue) {
  const Tensor& tensor = node.in[operand];
  std::vector<double> elements(static_cast<size_t>(tensor.count()));
  const int64_t cols = tensor.dims[2] * tensor.dims[3];
  for (int64_t i = 0; i < tensor.count(); ++i) {
    double& element = elements[static_cast<size_t>(i)] = tensor.get(i);
    if (prologue.result < 0) continue;
    double registers[kRegisters] = {};
    reference_pointwise_element(prologue.program, node.in.data() + prologue.first_in, nullptr, element, i / cols,
                                i % cols, registers);
    element = registers[prologue.result];
  }
  return elements;
}

void expect_conv_epilogue(const Node& node, const PwProgram& epilogue, size_t epilogue_in) {
  const Tensor& first = node.out[0];
  int64_t rows = first.dims[0] * first.dims[1], cols = first.dims[2] * first.dims[3];
  if (epilogue.rows != rows || epilogue.cols != cols)
    node.reject("the epilogue is over [%lld, %lld]; expected [%lld, %lld], the planes of %s", wide(epilogue.rows),
                wide(epilogue.cols), wide(rows), wide(cols), first.describe().c_str());
  for (const Tensor& out : node.out)
    for (size_t i = 0; i < epilogue_in; ++i)
      if (overlap(out, node.in[i])) node.reject("an output overlaps input %zu; expected memory of its own", i);
}

void validate_conv_programs(const Node& node) {
  const ConvPrograms programs = ConvPrograms::decode(node);
  expect_conv_epilogue(node, programs.epilogue, programs.epilogue_in);
}

void validate_conv_types(const Node& node) {
  const Tensor& first = node.in[0];
  if (first.dtype != DType::f32 && first.dtype != DType::f64)
    node.reject("input 0 is %s; expected f32 or f64", first.describe().c_str());
  node.expect_dtype(node.in[1], first.dtype, "input 1");
  node.expect_dtype(node.out[0], first.dtype, "output 0");
}

void validate_conv2d(const Node& node) {
  node.expect_at_least(2, 1, kGeometryWords);
  validate_conv_types(node);
  conv_shape(node, node.in[0], node.in[1], node.out[0]);
  validate_conv_programs(node);
}

double reference_conv_sum(const ConvShape& z, const std::vector<double>& x, const Tensor& weight, int64_t row,
                          int64_t col) {
  int64_t n = row / z.o, o = row % z.o, p = col / z.q, q = col % z.q;
  double sum = 0;
  for (int64_t c = 0; c < z.c; ++c)
    for (int64_t r = 0; r < z.r; ++r)
      for (int64_t s = 0; s < z.s; ++s) {
        int64_t h = p * z.sh - z.ph + r * z.dh, w = q * z.sw - z.pw + s * z.dw;
        if (h < 0 || h >= z.h || w < 0 || w >= z.w) continue;
        sum += x[((n * z.c + c) * z.h + h) * z.w + w] * weight.get(((o * z.c + c) * z.r + r) * z.s + s);
      }
  return sum;
}

void reference_conv2d(const Node& node) {
  const Tensor &x = node.in[0], &weight = node.in[1];
  ConvShape z = conv_shape(node, x, weight, node.out[0]);
  const ConvPrograms programs = ConvPrograms::decode(node);
  const std::vector<double> elements = reference_conv_operand(node, 0, programs.prologue);
  for (int64_t row = 0; row < z.n * z.o; ++row)
    for (int64_t col = 0; col < z.p * z.q; ++col) {
      const double sum = reference_conv_sum(z, elements, weight, row, col);
      double registers[kRegisters] = {};
      reference_pointwise_element(programs.epilogue, node.in.data() + programs.epilogue_in, node.out.data(), sum, row,
                                  col, registers);
    }
}

}  // namespace kantor
