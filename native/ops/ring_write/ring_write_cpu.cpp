#include <cstring>

#include "ops/ring_write/ring_write.h"

namespace kantor::KANTOR_ISA {

void prepare_ring_write(const Node& node, Plan& plan) {
  // Copied out of the node: a row is a handful of numbers, and the body must not allocate.
  std::vector<Tensor> values(node.in.begin() + 1, node.in.end());
  plan.phase(1, [counter = node.in[0].as<int64_t>(), ring = node.out[0], values](int, std::byte*) {
    int64_t size = ring.dims[0], row = *counter % size;
    if (row < 0) row += size;
    float* at = ring.f32() + row * ring.dims[1];
    for (const Tensor& value : values) {
      std::memcpy(at, value.data, static_cast<size_t>(value.bytes()));
      at += value.count();
    }
  });
}

}  // namespace kantor::KANTOR_ISA
