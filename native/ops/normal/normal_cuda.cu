#include "ops/normal/normal.h"

#include "ops/normal/normal_body.h"

namespace kantor::cuda {

void enqueue_normal(const Node& node, Recorder& r) {
  int count = extent(node, node.out[0].count());
  NormalBody::Arguments a = {node.in[0].as<int64_t>(), node.in[1].as<int64_t>(), node.attributes[1], node.attributes[2],
                       node.out[0].f32(), static_cast<uint32_t>(node.attributes[0]), count};
  r.launch<NormalBody>(ceil_div(count, 4 * kBlockThreads), a);
}

}  // namespace kantor::cuda
