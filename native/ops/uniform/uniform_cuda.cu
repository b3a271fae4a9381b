#include "ops/uniform/uniform.h"

#include "ops/uniform/uniform_body.h"

namespace kantor::cuda {

void enqueue_uniform(const Node& node, Recorder& r) {
  int count = extent(node, node.out[0].count());
  float low = node.attribute_f32(3), high = node.attribute_f32(4);
  UniformBody::Arguments a = {node.in[0].as<int64_t>(), node.in[1].as<int64_t>(), node.attributes[1], node.attributes[2],
                        node.out[0].f32(), static_cast<uint32_t>(node.attributes[0]), count, low, high - low};
  r.launch<UniformBody>(ceil_div(count, 4 * kBlockThreads), a);
}

}  // namespace kantor::cuda
