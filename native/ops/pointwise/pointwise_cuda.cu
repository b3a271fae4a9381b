#include "ops/pointwise/pointwise_device.h"

namespace kantor::cuda {

namespace {

// Element e of a thread lies kBlockThreads after element e - 1, so that neighbouring threads touch neighbouring elements.
template <int kElements, class Table>
__device__ inline void pointwise(const Table& p, unsigned block) {
  PwElement at[kElements];
  float none[kElements] = {};
  PwRegisters<kElements> registers = {};
  for (int e = 0; e < kElements; ++e) {
    int i = (static_cast<int>(block) * kElements + e) * kBlockThreads + static_cast<int>(threadIdx.x);
    at[e] = {i / p.cols, i % p.cols, i < p.rows * p.cols};
  }
  run_program(p, at, none, registers);
}

template <int kElements, class Table>
__global__ void pointwise_kernel(const int64_t* guard, Table p) {
  if (!held(guard)) pointwise<kElements>(p, blockIdx.x);
}

}  // namespace

void enqueue_pointwise(const Node& node, Recorder& r) {
  size_t position = 0;
  PwProgram program = PwProgram::decode(node, &position, 0, 0, false);
  with_table(node, program, 0, 0, [&](const auto& table) {
    using Table = std::remove_cvref_t<decltype(table)>;
    // As long as there are not blocks enough to fill a large GPU, one element a thread.
    constexpr int kMany = 1 << 16, kElements = 4;
    int count = table.rows * table.cols;
    if (count <= kMany)
      r.launch(pointwise_kernel<1, Table>, elementwise(count), table);
    else
      r.launch(pointwise_kernel<kElements, Table>, elementwise(ceil_div(count, kElements)), table);
  });
}

}  // namespace kantor::cuda
