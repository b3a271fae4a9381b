#include "ops/one_hot/one_hot.h"
#include "ops/operands.h"

namespace kantor {

void validate_one_hot(const Node& node) {
  node.expect_operands(1, 1);
  expect_attributes(node, 0);
  const Tensor &labels = node.in[0], &out = node.out[0];
  node.expect_dtype(labels, DType::i32, "the tensor of labels");
  if (labels.rank != 1) node.reject("the labels are %s; expected [rows]", labels.describe().c_str());
  expect_matrix(node, out, "the output");
  expect_real(node, out, out.dtype, "the output");
  node.expect_shape(out, {labels.dims[0], out.dims[1]}, "the output");
  expect_apart(node, out, labels, "the output and the labels");
}

void reference_one_hot(const Node& node) {
  const int32_t* labels = node.in[0].as<int32_t>();
  const Tensor& out = node.out[0];
  for (int64_t r = 0; r < out.dims[0]; ++r)
    for (int64_t c = 0; c < out.dims[1]; ++c) out.set(r * out.dims[1] + c, c == labels[r] ? 1 : 0);
}

}  // namespace kantor
