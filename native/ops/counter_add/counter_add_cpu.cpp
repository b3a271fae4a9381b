#include "ops/counter_add/counter_add.h"

namespace kantor::KANTOR_ISA {

void prepare_counter_add(const Node& node, Plan& plan) {
  plan.phase(
      1, [counter = node.out[0].as<int64_t>(), amount = node.attributes[0]](int, std::byte*) { *counter += amount; });
}

}  // namespace kantor::KANTOR_ISA
