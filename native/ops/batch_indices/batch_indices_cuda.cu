#include "ops/batch_indices/batch_indices.h"

#include "ops/batch_indices/batch_indices_body.h"

namespace kantor::cuda {

void enqueue_batch_indices(const Node& node, Recorder& r) {
  int n = extent(node, node.out[0].count());
  BatchIndicesBody::Arguments a = {node.in[0].as<int64_t>(),    node.in[1].as<int64_t>(),
                                   node.attributes[1],          node.attributes[2],
                                   node.out[0].as<int32_t>(),   static_cast<uint32_t>(n),
                                   static_cast<uint32_t>(node.attributes[0])};
  r.launch<BatchIndicesBody>(ceil_div(n, kBlockThreads), a);
}

}  // namespace kantor::cuda
