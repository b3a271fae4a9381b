#include "ops/rate_schedule/rate_schedule_body.h"

namespace kantor::cuda {

void enqueue_rate_schedule(const Node& node, Recorder& r) {
  r.launch<RateScheduleBody>(1, {node.in[0].f32(), node.in[1].as<int64_t>(), node.in[2].f32(), node.out[0].f32(),
                                 static_cast<RateSchedule>(node.attributes[0]), static_cast<double>(node.attributes[1])});
}

}  // namespace kantor::cuda
