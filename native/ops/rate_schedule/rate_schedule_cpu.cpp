#include <algorithm>

#include "ops/rate_schedule/rate_schedule.h"

namespace kantor::KANTOR_ISA {

void prepare_rate_schedule(const Node& node, Plan& plan) {
  const float *hyper = node.in[0].f32(), *schedule = node.in[2].f32();
  const int64_t* counter = node.in[1].as<int64_t>();
  float* out = node.out[0].f32();
  const auto kind = static_cast<RateSchedule>(node.attributes[0]);
  const double length = static_cast<double>(node.attributes[1]);
  plan.phase(1, [=, count = node.out[0].count()](int, std::byte*) {
    std::copy_n(hyper, count, out);
    out[0] = static_cast<float>(
        hyper[0] * rate_factor(kind, static_cast<double>(*counter), schedule[0] * length, schedule[1]));
  });
}

}  // namespace kantor::KANTOR_ISA
