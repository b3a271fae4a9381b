#include "ops/counter_add/counter_add.h"

namespace kantor {

void validate_counter_add(const Node& node) {
  node.expect_operands(0, 1);
  node.expect_at_least(0, 1, 1);
  node.expect_dtype(node.out[0], DType::i64, "the counter");
  node.expect_shape(node.out[0], {1}, "the counter");
}

void reference_counter_add(const Node& node) { *node.out[0].as<int64_t>() += node.attributes[0]; }

}  // namespace kantor
