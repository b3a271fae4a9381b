// A block that has all of its channels makes their dx too; where channels have several parts, a second kernel does.
#include "ops/batch_norm_grad/batch_norm_grad.h"

#include "ops/batch_norm/channels_device.h"

namespace kantor::cuda {

namespace {

struct BatchNormGradArguments {
  ChannelParts s;
  const float* dy;  // dx may be this itself: an element is read by the thread that writes it, after the sums
  const float *x, *gamma, *mean, *rstd;
  float *dx, *dgamma, *dbeta;
  float4* maps;  // of the channels, where there are several parts
};

// dx = map.x * ((dy - map.y) + (x - map.w) * map.z)
__device__ inline float slope(float dy, float x, float4 map) {
  return map.x * fmaf(x - map.w, map.z, dy - map.y);
}

template <int kColumns>
__device__ inline void batch_norm_grad(const BatchNormGradArguments& a, unsigned block,
                                       double (&places)[2][kBlockThreads], bool& flag) {
  constexpr int kLanes = OwnPart<kColumns>::kLanes;
  const ChannelParts& s = a.s;
  OwnPart<kColumns> own(s, block);
  float mean = own.live ? a.mean[own.channel] : 0, plain = 0, weighted = 0;
  if (own.live)
    for (int i = own.first; i < own.end; i += kLanes) {
      int at = s.at(own.channel, i);
      plain += a.dy[at];
      weighted = fmaf(a.dy[at], a.x[at] - mean, weighted);
    }
  double sums[2] = {static_cast<double>(plain), static_cast<double>(weighted)};  // of dy, of dy * (x - mean)
  sum_lanes<kColumns>(sums, places);
  if (s.parts > 1) {
    if (!hand_in(s, own, sums[0], sums[1], flag)) return;
    sums[0] = sums[1] = 0;
    if (own.live)
      for (int part = own.lane; part < s.parts; part += kLanes)
        for (int k = 0; k < 2; ++k) sums[k] += s.partial[(k * s.parts + part) * s.c + own.channel];
    sum_lanes<kColumns>(sums, places);
  }
  if (!own.live) return;
  double rstd = static_cast<double>(a.rstd[own.channel]), members = s.members();
  float4 map = {static_cast<float>(static_cast<double>(a.gamma[own.channel]) * rstd), static_cast<float>(sums[0] / members),
                static_cast<float>(-rstd * rstd * sums[1] / members), mean};
  if (own.lane == 0) {
    a.dbeta[own.channel] = static_cast<float>(sums[0]);
    a.dgamma[own.channel] = static_cast<float>(sums[1] * rstd);
    if (s.parts > 1) store4(&a.maps[own.channel].x, map);
  }
  if (s.parts > 1) return;
  for (int i = own.first; i < own.end; i += kLanes) {
    int at = s.at(own.channel, i);
    a.dx[at] = slope(a.dy[at], a.x[at], map);
  }
}

template <int kColumns>
__global__ void batch_norm_grad_kernel(const int64_t* guard, BatchNormGradArguments a) {
  using Places = double[2][kBlockThreads];
  KANTOR_SHARED(Places, places);
  KANTOR_SHARED(bool, flag);
  if (starts(guard)) batch_norm_grad<kColumns>(a, blockIdx.x, places, flag);
}

__device__ inline void map_gradient(const BatchNormGradArguments& a, unsigned block) {
  int i = static_cast<int>(block) * kBlockThreads + static_cast<int>(threadIdx.x);
  if (i < a.s.n * a.s.c * a.s.hw) a.dx[i] = slope(a.dy[i], a.x[i], load4(&a.maps[i / a.s.hw % a.s.c].x));
}

__global__ void map_gradient_kernel(const int64_t* guard, BatchNormGradArguments a) {
  if (starts(guard)) map_gradient(a, blockIdx.x);
}

}  // namespace

void enqueue_batch_norm_grad(const Node& node, Recorder& r) {
  with_channel_parts(node, node.in[1], r, [&](auto columns, const ChannelParts& s, const LaunchShape& shape) {
    BatchNormGradArguments a = {s,
                                node.in[0].f32(),
                                node.in[1].f32(),
                                node.in[2].f32(),
                                node.in[3].f32(),
                                node.in[4].f32(),
                                node.out[0].f32(),
                                node.out[1].f32(),
                                node.out[2].f32(),
                                s.parts > 1 ? r.scratch<float4>(s.c) : nullptr};
    r.launch(batch_norm_grad_kernel<columns.value>, shape, a);
    if (s.parts > 1) r.launch(map_gradient_kernel, elementwise(s.n * s.c * s.hw), a);
  });
}

}  // namespace kantor::cuda
