#include "ops/ring_write/ring_write.h"
#include "ops/ring_write/ring_write_body.h"

namespace kantor::cuda {

void enqueue_ring_write(const Node& node, Recorder& r) {
  std::vector<const float*> sources;
  for (size_t i = 1; i < node.in.size(); ++i)
    for (int64_t k = 0; k < node.in[i].count(); ++k) sources.push_back(node.in[i].f32() + k);
  int width = extent(node, node.out[0].dims[1]);
  RingWriteBody::Arguments a = {node.in[0].as<int64_t>(), r.constants(sources), node.out[0].f32(),
                                node.out[0].dims[0], width};
  r.launch<RingWriteBody>(ceil_div(width, kBlockThreads), a);
}

}  // namespace kantor::cuda
