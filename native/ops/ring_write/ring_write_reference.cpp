#include "ops/ring_write/ring_write.h"

namespace kantor {

void validate_ring_write(const Node& node) {
  node.expect_at_least(2, 1, 0);
  node.expect_operands(node.in.size(), 1);
  node.expect_dtype(node.in[0], DType::i64, "the counter");
  node.expect_shape(node.in[0], {1}, "the counter");
  const Tensor& ring = node.out[0];
  if (ring.rank != 2 || (ring.dtype != DType::f32 && ring.dtype != DType::f64))
    node.reject("the ring is %s; expected f32[size, width]", ring.describe().c_str());
  int64_t width = 0;
  for (size_t i = 1; i < node.in.size(); ++i) {
    node.expect_dtype(node.in[i], ring.dtype, "a value");
    width += node.in[i].count();
    if (node.in[i].data == ring.data) node.reject("value %zu is the ring itself", i);
  }
  if (width != ring.dims[1])
    node.reject("the values have %lld elements, a row of the ring %lld", static_cast<long long>(width),
                static_cast<long long>(ring.dims[1]));
}

void reference_ring_write(const Node& node) {
  const Tensor& ring = node.out[0];
  int64_t size = ring.dims[0], row = *node.in[0].as<int64_t>() % size;
  if (row < 0) row += size;
  int64_t at = row * ring.dims[1];
  for (size_t i = 1; i < node.in.size(); ++i)
    for (int64_t k = 0; k < node.in[i].count(); ++k) ring.set(at++, node.in[i].get(k));
}

}  // namespace kantor
