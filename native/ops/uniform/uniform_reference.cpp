#include <cmath>

#include "ops/operands.h"
#include "ops/philox.h"
#include "ops/uniform/uniform.h"

namespace kantor {

void validate_uniform(const Node& node) {
  node.expect_operands(2, 1);
  expect_attributes(node, 5);
  expect_random_stream(node);
  float low = node.attribute_f32(3), high = node.attribute_f32(4);
  if (!std::isfinite(high - low) || low > high)
    node.reject("[%g, %g) is no finite interval", static_cast<double>(low), static_cast<double>(high));
}

void reference_uniform(const Node& node) {
  const Tensor& out = node.out[0];
  uint64_t seed = static_cast<uint64_t>(*node.in[0].as<int64_t>());
  uint64_t step = random_step(*node.in[1].as<int64_t>(), node.attributes[1], node.attributes[2]);
  uint32_t stream = static_cast<uint32_t>(node.attributes[0]);
  float low = node.attribute_f32(3), width = node.attribute_f32(4) - low;
  int64_t count = out.count();
  for (int64_t i = 0; i < count; i += 4) {
    Philox4 word = philox(static_cast<uint32_t>(i / 4), stream, step, seed);
    uint32_t words[4] = {word.x, word.y, word.z, word.w};
    for (int64_t k = 0; k < 4 && i + k < count; ++k)
      out.set(i + k, static_cast<double>(fmaf(width, uniform_from_bits(words[k]), low)));
  }
}

}  // namespace kantor
