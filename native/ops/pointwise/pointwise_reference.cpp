#include <algorithm>
#include <bit>
#include <cmath>
#include <string>

#include "ops/pointwise/pointwise.h"

namespace kantor {

const char* name_of(Pw op) {
  switch (op) {
    case Pw::input: return "input";
    case Pw::accumulator: return "accumulator";
    case Pw::store: return "store";
    case Pw::constant: return "constant";
    case Pw::scale: return "scale";
    case Pw::shift: return "shift";
    case Pw::neg: return "neg";
    case Pw::abs: return "abs";
    case Pw::square: return "square";
    case Pw::sqrt: return "sqrt";
    case Pw::safe_rsqrt: return "safe_rsqrt";
    case Pw::reciprocal: return "reciprocal";
    case Pw::exp: return "exp";
    case Pw::log: return "log";
    case Pw::tanh: return "tanh";
    case Pw::sigmoid: return "sigmoid";
    case Pw::softplus: return "softplus";
    case Pw::relu: return "relu";
    case Pw::leaky_relu: return "leaky_relu";
    case Pw::step: return "step";
    case Pw::leaky_mask: return "leaky_mask";
    case Pw::sign: return "sign";
    case Pw::max_scalar: return "max_scalar";
    case Pw::min_scalar: return "min_scalar";
    case Pw::add: return "add";
    case Pw::sub: return "sub";
    case Pw::mul: return "mul";
    case Pw::div: return "div";
    case Pw::max: return "max";
    case Pw::min: return "min";
    case Pw::greater: return "greater";
    case Pw::equal: return "equal";
    case Pw::mul_add: return "mul_add";
  }
  return nullptr;
}

int sources_of(Pw op) {
  switch (op) {
    case Pw::input:
    case Pw::accumulator:
    case Pw::constant: return 0;
    case Pw::add:
    case Pw::sub:
    case Pw::mul:
    case Pw::div:
    case Pw::max:
    case Pw::min:
    case Pw::greater:
    case Pw::equal: return 2;
    case Pw::mul_add: return 3;
    default: return 1;
  }
}

namespace {

constexpr int64_t kMaxElements = int64_t{1} << 48;  // keeps products of extents and strides far from overflow

// The words of a program, in order.
class Words {
 public:
  Words(const Node& node, size_t* position) : node_(node), position_(*position) {}
  int64_t next(const char* what) {
    if (position_ >= node_.attributes.size()) node_.reject("the program ends before its %s", what);
    return node_.attributes[position_++];
  }
  int64_t next_in(const char* what, int64_t low, int64_t high) {
    int64_t value = next(what);
    if (value < low || value > high)
      node_.reject("%s is %lld; expected %lld to %lld", what, static_cast<long long>(value),
                   static_cast<long long>(low), static_cast<long long>(high));
    return value;
  }

 private:
  const Node& node_;
  size_t& position_;
};

PwInstruction instruction(uint64_t word) {
  return {static_cast<Pw>(word & 0xFF), static_cast<uint8_t>(word >> 8), static_cast<uint8_t>(word >> 16),
          static_cast<uint8_t>(word >> 24), std::bit_cast<float>(static_cast<uint32_t>(word >> 32))};
}

void check_code(const Node& node, const PwProgram& program, bool has_accumulator) {
  bool written[kRegisters] = {};
  std::vector<bool> stored(program.stores);
  for (size_t i = 0; i < program.code.size(); ++i) {
    const PwInstruction& code = program.code[i];
    const char* name = name_of(code.op);
    if (name == nullptr) node.reject("instruction %zu has the unknown opcode %d", i, static_cast<int>(code.op));
    const int registers[3] = {code.a, code.b, code.dst};
    for (int k = 0; k < sources_of(code.op); ++k)
      if (registers[k] >= kRegisters || !written[registers[k]])
        node.reject("instruction %zu (%s) reads register %d, which nothing has written", i, name, registers[k]);
    if (code.op == Pw::input && code.a >= program.operands.size())
      node.reject("instruction %zu reads operand %d, but there are %zu", i, code.a, program.operands.size());
    if (code.op == Pw::accumulator && !has_accumulator)
      node.reject("instruction %zu reads an accumulator; nothing hands it one", i);
    if (code.op == Pw::store) {
      if (code.b >= program.stores)
        node.reject("instruction %zu stores output %d, but there are %d", i, code.b, program.stores);
      if (stored[code.b])
        node.reject("instruction %zu stores output %d again; expected one store an output", i, code.b);
      stored[code.b] = true;
    } else {
      if (code.dst >= kRegisters)
        node.reject("instruction %zu (%s) writes register %d; expected 0 to %d", i, name, code.dst, kRegisters - 1);
      written[code.dst] = true;
    }
  }
  for (int output = 0; output < program.stores; ++output)
    if (!stored[output]) node.reject("output %d is never stored", output);
}

bool overlap(const Tensor& a, const Tensor& b) { return a.data < b.data + b.bytes() && b.data < a.data + a.bytes(); }

void check_tensors(const Node& node, const PwProgram& program, size_t first_in, size_t first_out) {
  const Tensor* operands = node.in.data() + first_in;
  const Tensor* outputs = node.out.data() + first_out;
  const size_t operand_count = program.operands.size(), output_count = program.stores;
  const DType dtype = output_count > 0 ? outputs[0].dtype : operand_count > 0 ? operands[0].dtype : DType::f32;
  if (dtype != DType::f32 && dtype != DType::f64)
    node.reject("the program's tensors are %s; expected f32 or f64", name_of(dtype));

  for (size_t k = 0; k < operand_count; ++k) {
    const PwOperand& o = program.operands[k];
    const std::string role = "operand " + std::to_string(k);
    node.expect_dtype(operands[k], dtype, role.c_str());
    const __int128 last = static_cast<__int128>(std::min(o.period, program.rows) - 1) * o.row_stride +
                          static_cast<__int128>(program.cols - 1) * o.col_stride;
    if (last >= operands[k].count())
      node.reject("%s is %s but the program reads its element %lld", role.c_str(), operands[k].describe().c_str(),
                  static_cast<long long>(last));
  }
  for (size_t j = 0; j < output_count; ++j) {
    const Tensor& out = outputs[j];
    const std::string role = "output " + std::to_string(j);
    node.expect_dtype(out, dtype, role.c_str());
    if (out.count() != program.rows * program.cols)
      node.reject("%s is %s; expected %lld elements (%lld rows of %lld)", role.c_str(), out.describe().c_str(),
                  static_cast<long long>(program.rows * program.cols), static_cast<long long>(program.rows),
                  static_cast<long long>(program.cols));
    for (size_t other = 0; other < j; ++other)
      if (overlap(out, outputs[other]))
        node.reject("outputs %zu and %zu overlap; expected memory of their own", other, j);
    for (size_t k = 0; k < operand_count; ++k)
      if (overlap(out, operands[k]) && !(out.data == operands[k].data && program.elementwise(k)))
        node.reject("output %zu overlaps operand %zu; only an elementwise operand may lie there, from its start", j, k);
  }
}

PwProgram read_program(const Node& node, size_t* position, bool has_accumulator) {
  Words words(node, position);
  PwProgram program;
  program.rows = words.next_in("rows", 1, kMaxElements);
  program.cols = words.next_in("cols", 1, kMaxElements / program.rows);
  program.operands.resize(words.next_in("operand count", 0, kMaxPwOperands));
  for (PwOperand& o : program.operands) {
    o.period = words.next_in("period of an operand", 1, kMaxElements);
    o.row_stride = words.next_in("row stride of an operand", 0, kMaxElements);
    o.col_stride = words.next_in("column stride of an operand", 0, kMaxElements);
  }
  program.stores = static_cast<int>(words.next_in("store count", 0, kMaxPwStores));
  // An instruction is a word, so there cannot be more than there are attributes.
  program.code.resize(words.next_in("instruction count", 0, static_cast<int64_t>(node.attributes.size() - *position)));
  for (PwInstruction& code : program.code) code = instruction(static_cast<uint64_t>(words.next("instructions")));
  if (has_accumulator && program.code.empty()) {
    program.stores = 1;
    program.code = {{Pw::accumulator, 0, 0, 0, 0}, {Pw::store, 0, 0, 0, 0}};
  }
  check_code(node, program, has_accumulator);
  return program;
}

// As the instruction sets compute it, so that NaN and signed zeros agree.
double larger(double a, double b) { return a > b ? a : b; }
double smaller(double a, double b) { return a < b ? a : b; }

double apply(Pw op, double a, double b, double dst, double imm) {
  switch (op) {
    case Pw::constant: return imm;
    case Pw::scale: return a * imm;
    case Pw::shift: return a + imm;
    case Pw::neg: return -a;
    case Pw::abs: return std::fabs(a);
    case Pw::square: return a * a;
    case Pw::sqrt: return std::sqrt(a);
    case Pw::safe_rsqrt: return a > 0 ? 1 / std::sqrt(a) : 0;
    case Pw::reciprocal: return 1 / a;
    case Pw::exp: return std::exp(a);
    case Pw::log: return std::log(a);
    case Pw::tanh: return std::tanh(a);
    case Pw::sigmoid: return 1 / (1 + std::exp(-a));
    case Pw::softplus: return larger(a, 0) + std::log1p(std::exp(-std::fabs(a)));
    case Pw::relu: return larger(0, a);
    case Pw::leaky_relu: return a > 0 ? a : imm * a;
    case Pw::step: return a > 0 ? 1 : 0;
    case Pw::leaky_mask: return a > 0 ? 1 : imm;
    case Pw::sign: return a > 0 ? 1 : a < 0 ? -1 : 0;
    case Pw::max_scalar: return larger(imm, a);
    case Pw::min_scalar: return smaller(imm, a);
    case Pw::add: return a + b;
    case Pw::sub: return a - b;
    case Pw::mul: return a * b;
    case Pw::div: return a / b;
    case Pw::max: return a != a ? a : larger(a, b);
    case Pw::min: return a != a ? a : smaller(a, b);
    case Pw::greater: return a > b ? 1 : 0;
    case Pw::equal: return a == b ? 1 : 0;
    case Pw::mul_add: return dst + a * b;
    case Pw::input:
    case Pw::accumulator:
    case Pw::store: break;
  }
  return 0;
}

}  // namespace

PwProgram PwProgram::decode(const Node& node, size_t* position, size_t first_in, size_t first_out,
                            bool has_accumulator) {
  node.expect_at_least(first_in, first_out, 0);
  PwProgram program = read_program(node, position, has_accumulator);
  node.expect_operands(first_in + program.operands.size(), first_out + program.stores);
  check_tensors(node, program, first_in, first_out);
  return program;
}

PwProgram PwProgram::decode_part(const Node& node, size_t* position, size_t first_in, size_t first_out,
                                 bool has_accumulator) {
  PwProgram program = read_program(node, position, has_accumulator);
  node.expect_at_least(first_in + program.operands.size(), first_out + program.stores, 0);
  check_tensors(node, program, first_in, first_out);
  return program;
}

void reference_pointwise_element(const PwProgram& program, const Tensor* operands, const Tensor* outputs,
                                 double accumulator, int64_t row, int64_t col, double (&registers)[kRegisters]) {
  for (const PwInstruction& code : program.code) {
    switch (code.op) {
      case Pw::input: {
        const PwOperand& o = program.operands[code.a];
        registers[code.dst] = operands[code.a].get(row % o.period * o.row_stride + col * o.col_stride);
        break;
      }
      case Pw::accumulator: registers[code.dst] = accumulator; break;
      case Pw::store: outputs[code.b].set(row * program.cols + col, registers[code.a]); break;
      default: {
        double& dst = registers[code.dst];
        const double a = sources_of(code.op) > 0 ? registers[code.a] : 0;
        const double b = sources_of(code.op) > 1 ? registers[code.b] : 0;
        dst = apply(code.op, a, b, dst, code.imm);
      }
    }
  }
}

void validate_pointwise(const Node& node) {
  size_t position = 0;
  PwProgram::decode(node, &position, 0, 0, false);
  if (position != node.attributes.size())
    node.reject("the program has %zu words but there are %zu attributes", position, node.attributes.size());
  if (node.out.empty()) node.reject("the program stores nothing; expected at least one output");
}

void reference_pointwise(const Node& node) {
  size_t position = 0;
  const PwProgram program = PwProgram::decode(node, &position, 0, 0, false);
  for (int64_t row = 0; row < program.rows; ++row)
    for (int64_t col = 0; col < program.cols; ++col) {
      double registers[kRegisters] = {};
      reference_pointwise_element(program, node.in.data(), node.out.data(), 0, row, col, registers);
    }
}

}  // namespace kantor
