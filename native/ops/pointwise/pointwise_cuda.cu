#include "ops/pointwise/pointwise_body.h"

namespace kantor::cuda {

void enqueue_pointwise(const Node& node, Recorder& r) {
  size_t position = 0;
  PwProgram program = PwProgram::decode(node, &position, 0, 0, false);
  with_table(node, program, 0, 0, [&](const auto& table) {
    using Table = std::remove_cvref_t<decltype(table)>;
    // As long as there are not blocks enough to fill a large GPU, one element a thread.
    constexpr int kMany = 1 << 16, kElements = 4;
    int count = table.rows * table.cols;
    if (count <= kMany)
      r.launch<PointwiseBody<1, Table>>(ceil_div(count, kBlockThreads), table);
    else
      r.launch<PointwiseBody<kElements, Table>>(ceil_div(count, kElements * kBlockThreads), table);
  });
}

}  // namespace kantor::cuda
