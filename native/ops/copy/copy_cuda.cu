#include "ops/copy/copy.h"

#include "ops/copy/copy_body.h"

namespace kantor::cuda {

namespace {

template <class T>
void enqueue(const Node& node, Recorder& r) {
  CopyBox box(node);
  typename CopyBody<T>::Arguments a = {};
  a.from = node.in[0].data;
  a.to = node.out[0].data;
  a.from_offset = box.source_offset;
  a.to_offset = box.destination_offset;
  a.rank = box.rank;
  a.count = extent(node, box.count());
  for (int d = 0; d < box.rank; ++d) {
    a.from_stride[d] = box.dims[d].source_stride;
    a.to_stride[d] = box.dims[d].destination_stride;
    a.size[d] = extent(node, box.dims[d].size);
  }
  int all = extent(node, node.out[0].count());
  if (box.fill && a.count < all) r.launch<FillZeroBody<T>>(ceil_div(all, kBlockThreads), {node.out[0].as<T>(), all});
  r.launch<CopyBody<T>>(ceil_div(a.count, kBlockThreads), a);
}

}  // namespace

void enqueue_copy(const Node& node, Recorder& r) {
  switch (size_of(node.in[0].dtype)) {
    case 1: return enqueue<uint8_t>(node, r);
    case 4: return enqueue<uint32_t>(node, r);
    default: return enqueue<uint64_t>(node, r);
  }
}

}  // namespace kantor::cuda
