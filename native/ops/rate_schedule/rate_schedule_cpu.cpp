#include "ops/rate_schedule/rate_schedule.h"

namespace kantor::KANTOR_ISA {

void prepare_rate_schedule(const Node& node, Plan& plan) {
  const float *hyper = node.in[0].f32(), *schedule = node.in[2].f32();
  const int64_t* counter = node.in[1].as<int64_t>();
  float* out = node.out[0].f32();
  const auto kind = static_cast<RateSchedule>(node.attributes[0]);
  const double length = static_cast<double>(node.attributes[1]);
  plan.phase(1, [=](int, std::byte*) {
    const double iterations = static_cast<double>(*counter);
    const double factor = rate_factor(kind, iterations, schedule[0] * length, schedule[1]);
    for (int64_t i = 0; i < kHyperCount; ++i)
      out[i] = static_cast<float>(scheduled_hyper(i, hyper[i], factor, iterations));
  });
}

}  // namespace kantor::KANTOR_ISA
