#include "ops/pointwise/stored_product.h"

#include "ops/pointwise/pointwise_device.h"

namespace kantor::cuda {

namespace {

// Neighbouring threads take neighbouring elements.
template <class Table>
__global__ void __launch_bounds__(kBlockThreads) epilogue_kernel(const int64_t* guard, const float* product, Table table) {
  if (!starts(guard)) return;
  int i = static_cast<int>(blockIdx.x * kBlockThreads + threadIdx.x);
  const PwElement at[1] = {{i / table.cols, i % table.cols, i < table.rows * table.cols}};
  const float value[1] = {at[0].live ? product[i] : 0};
  run_program(table, at, value);
}

}  // namespace

bool stores_product(const PwProgram& program) {
  return program.code.size() == 2 && program.code[0].op == Pw::accumulator && program.code[1].op == Pw::store &&
         program.code[1].a == program.code[0].dst;
}

void enqueue_epilogue(const Node& node, const PwProgram& program, size_t first_in, const float* product, Recorder& r) {
  with_table(node, program, first_in, 0, [&](const auto& table) {
    r.launch(epilogue_kernel<std::remove_cvref_t<decltype(table)>>, elementwise(table.rows * table.cols), product, table);
  });
}

}  // namespace kantor::cuda
