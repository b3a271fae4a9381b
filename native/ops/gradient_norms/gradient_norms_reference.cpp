#include <cmath>

#include "ops/gradient_norms/gradient_norms.h"
#include "ops/operands.h"
#include "runtime/program_format.h"

namespace kantor {

void validate_gradient_norms(const Node& node) {
  node.expect_at_least(2, 2, 1);
  node.expect_operands(node.in.size(), 2);
  expect_attributes(node, 1);
  node.expect_dtype(node.in[0], DType::i64, "the iteration counter");
  if (node.in[0].count() != 1)
    node.reject("the iteration counter is %s; expected one value", node.in[0].describe().c_str());
  for (size_t k = 1; k < node.in.size(); ++k) {
    expect_real(node, node.in[k], node.in[1].dtype, "a tensor");
    expect_apart(node, node.out[0], node.in[k], "the norms and a tensor");
  }
  expect_real(node, node.out[0], node.in[1].dtype, "the norms");
  node.expect_shape(node.out[0], {static_cast<int64_t>(node.in.size())}, "the norms (one a tensor and that of all)");
  node.expect_dtype(node.out[1], DType::i64, "the fault slot");
  node.expect_shape(node.out[1], {4}, "the fault slot");
}

void reference_gradient_norms(const Node& node) {
  int64_t* fault = node.out[1].as<int64_t>();
  double all = 0;
  for (size_t k = 1; k < node.in.size(); ++k) {
    double squares = 0;
    bool finite = true;
    for (int64_t i = 0, n = node.in[k].count(); i < n; ++i) {
      double value = node.in[k].get(i);
      squares += value * value;
      finite &= std::isfinite(value);
    }
    node.out[0].set(static_cast<int64_t>(k) - 1, std::sqrt(squares));
    all += squares;
    if (!finite && fault[kFaultCode] == 0) {
      fault[kFaultCode] = 1;
      fault[kFaultTensor] = node.attributes[0] + static_cast<int64_t>(k) - 1;
      fault[kFaultIteration] = *node.in[0].as<int64_t>();
      fault[3] = 0;
    }
  }
  node.out[0].set(static_cast<int64_t>(node.in.size()) - 1, std::sqrt(all));
}

}  // namespace kantor
