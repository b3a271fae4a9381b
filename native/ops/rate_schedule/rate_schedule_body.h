#pragma once
#include "ops/rate_schedule/rate_schedule.h"
#include "runtime/cuda/device_code.h"

namespace kantor::cuda {

struct RateScheduleBody {
  static constexpr int kThreads = kWarp;
  struct Arguments {
    const float* hyper;
    const int64_t* counter;
    const float* schedule;
    float* out;
    RateSchedule kind;
    double length;
  };
  using Shared = NoShared;

  __device__ static void run(const Arguments& a, unsigned, Shared&) {
    const int lane = static_cast<int>(threadIdx.x) % kWarp;
    if (lane >= kHyperCount) return;
    const double iterations = static_cast<double>(*a.counter);
    const double factor =
        rate_factor(a.kind, iterations, static_cast<double>(a.schedule[0]) * a.length, static_cast<double>(a.schedule[1]));
    a.out[lane] = static_cast<float>(scheduled_hyper(lane, static_cast<double>(a.hyper[lane]), factor, iterations));
  }
};

}  // namespace kantor::cuda
