#include "ops/counter_add/counter_add.h"
#include "ops/counter_add/counter_add_body.h"

namespace kantor::cuda {

void enqueue_counter_add(const Node& node, Recorder& r) {
  r.launch<CounterAddBody>(1, {node.out[0].as<int64_t>(), node.attributes[0]});
}

}  // namespace kantor::cuda
