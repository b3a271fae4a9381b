#include "ops/gather/gather.h"
#include "ops/gather/gather_body.h"

namespace kantor::cuda {

namespace {

template <class From, class To>
void enqueue(const Node& node, Recorder& r) {
  const Tensor& data = node.in[0];
  int elements = extent(node, node.out[0].count());
  r.launch<GatherBody<From, To>>(
      ceil_div(elements, kBlockThreads),
      {data.as<From>(), node.in[1].as<int32_t>(), node.out[0].as<To>(), extent(node, data.dims[0]),
       extent(node, data.dims[1]), elements, node.attribute_f32(0), node.attribute_f32(1)});
}

}  // namespace

void enqueue_gather(const Node& node, Recorder& r) {
  DType from = node.in[0].dtype;
  if (node.out[0].dtype == DType::i32)
    from == DType::u8 ? enqueue<uint8_t, int32_t>(node, r) : enqueue<int32_t, int32_t>(node, r);
  else if (from == DType::u8)
    enqueue<uint8_t, float>(node, r);
  else
    from == DType::i32 ? enqueue<int32_t, float>(node, r) : enqueue<float, float>(node, r);
}

}  // namespace kantor::cuda
