// Mean and variance of each channel in one pass: sum and squares of each part, centred by the mean of a sample of it; then
// the parts combined (Chan et al. 1979).
#pragma once
#include "ops/batch_norm/channels_device.h"

namespace kantor::cuda {

struct MomentsArguments {
  ChannelParts s;
  const float* x;
  float *mean, *rstd, *variance;
  double eps;
};

struct MomentsShared {
  double (&places)[3][kBlockThreads];
  bool& flag;
};

struct Measured {
  bool complete;  // the rest holds in the block that completes its channels
  double mean, rstd;
};

template <int kColumns>
__device__ inline Measured measure(const MomentsArguments& a, const OwnPart<kColumns>& own, const MomentsShared& shared) {
  using Own = OwnPart<kColumns>;
  const ChannelParts& s = a.s;
  int sample = min(Own::kLanes, own.end - own.begin), count = own.end - own.begin;
  double center[1] = {own.live && own.first < own.end ? static_cast<double>(a.x[s.at(own.channel, own.first)]) : 0};
  sum_lanes<kColumns>(center, shared.places);
  float middle = static_cast<float>(center[0] / sample);
  if (!finite(static_cast<double>(middle))) middle = 0;

  float sum = 0, squares = 0;
  if (own.live)
    for (int i = own.first; i < own.end; i += Own::kLanes) {
      float apart = a.x[s.at(own.channel, i)] - middle;
      sum += apart;
      squares = fmaf(apart, apart, squares);
    }
  double sums[2] = {static_cast<double>(sum), static_cast<double>(squares)};
  sum_lanes<kColumns>(sums, shared.places + 1);
  double mean = static_cast<double>(middle) + sums[0] / count, centred = sums[1] - sums[0] * sums[0] / count;
  if (centred < 0) centred = 0;

  if (s.parts > 1) {
    if (!hand_in(s, own, mean, centred, shared.flag)) return {false, 0, 0};
    // Each lane takes some of the parts: a thread alone would wait for one after another.
    double members = s.members(), total[1] = {0};
    auto size = [&](int part) { return static_cast<double>(min(s.terms, s.members() - part * s.terms)); };
    if (own.live)
      for (int part = own.lane; part < s.parts; part += Own::kLanes)
        total[0] += size(part) / members * s.partial[part * s.c + own.channel];
    sum_lanes<kColumns>(total, shared.places);
    mean = total[0];
    total[0] = 0;
    if (own.live)
      for (int part = own.lane; part < s.parts; part += Own::kLanes) {
        double apart = s.partial[part * s.c + own.channel] - mean;
        total[0] += s.partial[(s.parts + part) * s.c + own.channel] + size(part) * (apart * apart);
      }
    sum_lanes<kColumns>(total, shared.places + 1);
    centred = total[0];
  }
  double variance = centred / s.members(), rstd = 1 / sqrt(variance + a.eps);
  if (own.leads()) {
    a.mean[own.channel] = static_cast<float>(mean);
    a.rstd[own.channel] = static_cast<float>(rstd);
    a.variance[own.channel] = static_cast<float>(variance);
  }
  return {true, mean, rstd};
}

inline MomentsArguments moments_of(const Node& node, const ChannelParts& s) {
  return {s, node.in[0].f32(), node.out[0].f32(), node.out[1].f32(), node.out[2].f32(),
          static_cast<double>(node.attribute_f32(0))};
}

}  // namespace kantor::cuda
