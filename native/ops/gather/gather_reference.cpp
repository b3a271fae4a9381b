#include <limits>

#include "ops/gather/gather.h"

namespace kantor {

void validate_gather(const Node& node) {
  node.expect_operands(2, 1);
  node.expect_at_least(2, 1, 2);
  const Tensor &data = node.in[0], &indices = node.in[1], &out = node.out[0];
  if (data.dtype != DType::u8 && data.dtype != DType::f32 && data.dtype != DType::i32)
    node.reject("the data is %s; expected u8, f32 or i32", data.describe().c_str());
  if (data.rank != 2) node.reject("the data is %s; expected [count, width]", data.describe().c_str());
  node.expect_dtype(indices, DType::i32, "the indices");
  if (indices.rank != 1) node.reject("the indices are %s; expected i32[n]", indices.describe().c_str());
  node.expect_shape(out, {indices.dims[0], data.dims[1]}, "the output");
  bool to_integer = out.dtype == DType::i32 && data.dtype != DType::f32;
  if (to_integer) {
    if (node.attribute_f32(0) != 1.0f || node.attribute_f32(1) != 0.0f)
      node.reject("an i32 output takes scale 1 and shift 0, not %g and %g", static_cast<double>(node.attribute_f32(0)),
                  static_cast<double>(node.attribute_f32(1)));
  } else if (out.dtype != DType::f32 && out.dtype != DType::f64) {
    node.reject("the output is %s; expected f32, or i32 from integer data", out.describe().c_str());
  }
  if (out.data == data.data || out.data == indices.data) node.reject("the output is one of the inputs");
}

void reference_gather(const Node& node) {
  const Tensor &data = node.in[0], &out = node.out[0];
  const int32_t* indices = node.in[1].as<int32_t>();
  int64_t count = data.dims[0], width = data.dims[1];
  double scale = node.attribute_f32(0), shift = node.attribute_f32(1);
  double missing = out.dtype == DType::i32 ? -1 : std::numeric_limits<double>::quiet_NaN();
  for (int64_t i = 0; i < out.dims[0]; ++i)
    for (int64_t j = 0; j < width; ++j) {
      bool inside = indices[i] >= 0 && indices[i] < count;
      out.set(i * width + j, inside ? data.get(indices[i] * width + j) * scale + shift : missing);
    }
}

}  // namespace kantor
