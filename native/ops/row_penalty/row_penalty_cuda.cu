#include "ops/row_penalty/row_penalty.h"

#include "ops/row_penalty/row_penalty_body.h"

namespace kantor::cuda {

void enqueue_row_penalty(const Node& node, Recorder& r) {
  const Tensor& g = node.in[0];
  extent(node, g.count());
  int rows = static_cast<int>(g.dims[0]);
  RowPenaltyBody::Arguments a = {g.f32(), node.out[0].f32(), node.out[1].f32(), node.out[2].f32(), r.scratch<double>(rows),
                        r.tickets(1), rows, static_cast<int>(g.dims[1]), static_cast<double>(node.attribute_f32(0)),
                        static_cast<double>(node.attribute_f32(1)), node.attributes[2] != 0};
  r.launch<RowPenaltyBody>(rows, a);
}

}  // namespace kantor::cuda
