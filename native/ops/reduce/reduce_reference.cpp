#include "ops/reduce/reduce.h"

namespace kantor {
namespace {

int64_t sums_of(ReduceKind kind, const PwProgram& program, int64_t channels) {
  switch (kind) {
    case ReduceKind::all: return 1;
    case ReduceKind::rows: return program.rows;
    case ReduceKind::columns: return program.cols;
    case ReduceKind::channels: return channels;
  }
  return 0;
}

int64_t sum_of_element(ReduceKind kind, int64_t channels, int64_t row, int64_t col) {
  switch (kind) {
    case ReduceKind::all: return 0;
    case ReduceKind::rows: return row;
    case ReduceKind::columns: return col;
    case ReduceKind::channels: return row % channels;
  }
  return 0;
}

bool overlap(const Tensor& a, const Tensor& b) { return a.data < b.data + b.bytes() && b.data < a.data + a.bytes(); }

}  // namespace

void validate_reduce(const Node& node) {
  node.expect_at_least(0, 1, 4);
  const int64_t kind = node.attributes[0], result = node.attributes[2], channels = node.attributes[3];
  if (kind < 0 || kind > 3) node.reject("kind is %lld; expected 0 to 3", static_cast<long long>(kind));
  size_t position = 4;
  const PwProgram program = PwProgram::decode(node, &position, 0, 1, false);
  if (position != node.attributes.size())
    node.reject("the program ends after %zu attributes but there are %zu", position, node.attributes.size());

  bool written = false;
  for (const PwInstruction& code : program.code) written = written || (code.op != Pw::store && code.dst == result);
  if (!written) node.reject("nothing writes the result register %lld", static_cast<long long>(result));
  const bool by_channel = static_cast<ReduceKind>(kind) == ReduceKind::channels;
  if (by_channel ? channels < 1 || program.rows % channels != 0 : channels != 1)
    node.reject("channels is %lld with %lld rows; expected %s", static_cast<long long>(channels),
                static_cast<long long>(program.rows), by_channel ? "a divisor of the rows" : "1");

  const Tensor& sums = node.out[0];
  const DType dtype = !node.in.empty() ? node.in[0].dtype : node.out.size() > 1 ? node.out[1].dtype : DType::f32;
  node.expect_dtype(sums, dtype, "the tensor of sums");
  const int64_t count = sums_of(static_cast<ReduceKind>(kind), program, channels);
  if (sums.count() != count)
    node.reject("the sums are %s; expected %lld elements", sums.describe().c_str(), static_cast<long long>(count));
  for (size_t k = 0; k < node.in.size(); ++k)
    if (overlap(sums, node.in[k])) node.reject("the sums overlap operand %zu; expected memory of their own", k);
  for (size_t k = 1; k < node.out.size(); ++k)
    if (overlap(sums, node.out[k])) node.reject("the sums overlap output %zu; expected memory of their own", k - 1);
}

void reference_reduce(const Node& node) {
  const auto kind = static_cast<ReduceKind>(node.attributes[0]);
  const double scale = node.attribute_f32(1);
  const int64_t result = node.attributes[2], channels = node.attributes[3];
  size_t position = 4;
  const PwProgram program = PwProgram::decode(node, &position, 0, 1, false);
  std::vector<double> sums(node.out[0].count());
  for (int64_t row = 0; row < program.rows; ++row)
    for (int64_t col = 0; col < program.cols; ++col) {
      double registers[kRegisters] = {};
      reference_pointwise_element(program, node.in.data(), node.out.data() + 1, 0, row, col, registers);
      sums[sum_of_element(kind, channels, row, col)] += registers[result];
    }
  for (size_t i = 0; i < sums.size(); ++i) node.out[0].set(static_cast<int64_t>(i), scale * sums[i]);
}

}  // namespace kantor
