#include "ops/normal/box_muller.h"
#include "ops/normal/normal.h"
#include "ops/operands.h"

namespace kantor {

void validate_normal(const Node& node) {
  node.expect_operands(2, 1);
  expect_attributes(node, 3);
  expect_random_stream(node);
}

void reference_normal(const Node& node) {
  const Tensor& out = node.out[0];
  uint64_t seed = static_cast<uint64_t>(*node.in[0].as<int64_t>());
  uint64_t step = random_step(*node.in[1].as<int64_t>(), node.attributes[1], node.attributes[2]);
  uint32_t stream = static_cast<uint32_t>(node.attributes[0]);
  int64_t count = out.count();
  for (int64_t i = 0; i < count; i += 4) {
    Philox4 word = philox(static_cast<uint32_t>(i / 4), stream, step, seed);
    NormalPair low = box_muller(word.x, word.y), high = box_muller(word.z, word.w);
    float values[4] = {low.first, low.second, high.first, high.second};
    for (int64_t k = 0; k < 4 && i + k < count; ++k) out.set(i + k, static_cast<double>(values[k]));
  }
}

}  // namespace kantor
