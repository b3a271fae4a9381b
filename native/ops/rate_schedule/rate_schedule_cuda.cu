#include "ops/rate_schedule/rate_schedule.h"

#include "runtime/cuda/device_code.h"

namespace kantor::cuda {

namespace {

struct ScheduleArguments {
  const float* hyper;
  const int64_t* counter;
  const float* schedule;
  float* out;
  RateSchedule kind;
  double length;
};

__device__ inline void rate_schedule(const ScheduleArguments& a) {
  if (threadIdx.x >= kHyperCount) return;
  const double iterations = static_cast<double>(*a.counter);
  const double factor =
      rate_factor(a.kind, iterations, static_cast<double>(a.schedule[0]) * a.length, static_cast<double>(a.schedule[1]));
  a.out[threadIdx.x] = static_cast<float>(
      scheduled_hyper(threadIdx.x, static_cast<double>(a.hyper[threadIdx.x]), factor, iterations));
}

__global__ void rate_schedule_kernel(const int64_t* guard, ScheduleArguments a) {
  if (!held(guard)) rate_schedule(a);
}

}  // namespace

void enqueue_rate_schedule(const Node& node, Recorder& r) {
  ScheduleArguments a = {node.in[0].f32(), node.in[1].as<int64_t>(), node.in[2].f32(), node.out[0].f32(),
                         static_cast<RateSchedule>(node.attributes[0]), static_cast<double>(node.attributes[1])};
  r.launch(rate_schedule_kernel, {1, kWarp}, a);
}

}  // namespace kantor::cuda
