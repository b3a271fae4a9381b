#include <climits>

#include "ops/gemm/gemm.h"
#include "ops/pointwise/stored_product.h"
#include "runtime/cuda/engine/engine.h"

namespace kantor::cuda {

EngineStep plan_gemm(const Node& node, Engine& engine, bool may_store) {
  const Tensor &a = node.in[0], &b = node.in[1];
  size_t position = 2;
  const PwProgram program = PwProgram::decode(node, &position, 2, 0, true);
  const int64_t depth = a.dims[node.attributes[0] ? 0 : 1], count = program.rows * program.cols;
  if (std::max({count, a.count(), b.count()}) > INT_MAX / 2) return nullptr;
  auto narrow = [](int64_t n) { return static_cast<int>(n); };
  const RowMajorProduct product = {a.f32(),
                                   b.f32(),
                                   narrow(program.rows),
                                   narrow(program.cols),
                                   narrow(depth),
                                   node.attributes[0] != 0,
                                   node.attributes[1] != 0,
                                   node.precision};
  const bool stores = may_store && stores_product(program);
  return [&node, &engine, program, product, count, stores](Recorder& r) {
    float* c = stores ? node.out[0].f32() : r.scratch<float>(count);
    std::byte* workspace = r.scratch<std::byte>(Engine::kGemmWorkspace);
    r.call([&](cudaStream_t stream) { engine.multiply(product, c, workspace, stream); });
    if (!stores) enqueue_epilogue(node, program, 2, c, r);
  };
}

}  // namespace kantor::cuda
