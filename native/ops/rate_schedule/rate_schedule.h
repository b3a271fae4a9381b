// rate_schedule: an optimiser's hyper-parameters at a time of a training: with the learning rate that a schedule gives, and
// with an EMA decay that rises to its value, so that the average soon forgets what the parameters began with.
//
//   out[0] = in[0], but
//     [0], the learning rate, is multiplied by f(u), u = min(counter / (epochs * length), 1)
//       linear: f = 1 - (1 - end) u
//       cosine: f = end + (1 - end) (1 + cos(pi u)) / 2    (Loshchilov, Hutter 2017, equation 5, one run without restarts)
//     [6], the EMA decay, is at most (1 + counter) / (10 + counter)    (as TensorFlow's ExponentialMovingAverage with
//       num_updates; Karras et al. 2020 let theirs rise likewise)
//
//   in[0]: hyper [8] (optimizer.h)    in[1]: counter i64[1], iterations done    in[2]: schedule [2] {epochs, end}
//   out[0]: hyper [8] (overwritten); overlaps no input
//   attributes: kind (0 linear, 1 cosine), length (iterations in an epoch)
//
// Computed in double and rounded once. With epochs 0 the schedule is over from the beginning; with end 1 the rate is constant.
#pragma once
#include <cmath>

#include "ops/host_device.h"
#include "runtime/op.h"

namespace kantor {
enum class RateSchedule : int64_t { linear = 0, cosine = 1 };

KANTOR_HD inline double rate_factor(RateSchedule kind, double iterations, double most, double end) {
  constexpr double kPi = 3.141592653589793;
  const double u = iterations < most ? (iterations > 0 ? iterations / most : 0) : 1;
  const double left = kind == RateSchedule::linear ? 1 - u : (1 + cos(kPi * u)) / 2;
  return end + (1 - end) * left;
}

constexpr int64_t kHyperCount = 8;

// The hyper-parameter that has this place.
KANTOR_HD inline double scheduled_hyper(int64_t place, double value, double rate_factor, double iterations) {
  if (place == 0) return value * rate_factor;
  if (place != 6) return value;
  const double most = (1 + iterations) / (10 + iterations);
  return value < most ? value : most;
}

void validate_rate_schedule(const Node&);
void reference_rate_schedule(const Node&);
}  // namespace kantor
