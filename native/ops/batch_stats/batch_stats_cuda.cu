#include "ops/batch_stats/batch_stats.h"

#include "ops/batch_norm/moments_device.h"

namespace kantor::cuda {

namespace {

struct BatchStatsArguments {
  MomentsArguments moments;
  const float *gamma, *beta;
  float *scale, *shift;
};

template <int kColumns>
__device__ inline void batch_stats(const BatchStatsArguments& a, unsigned block, const MomentsShared& shared) {
  OwnPart<kColumns> own(a.moments.s, block);
  Measured m = measure(a.moments, own, shared);
  if (!m.complete || !own.leads()) return;
  float scale = static_cast<float>(static_cast<double>(a.gamma[own.channel]) * m.rstd);
  a.scale[own.channel] = scale;
  double shift = static_cast<double>(a.beta[own.channel]) - m.mean * static_cast<double>(scale);
  a.shift[own.channel] = static_cast<float>(shift);
}

template <int kColumns>
__global__ void batch_stats_kernel(const int64_t* guard, BatchStatsArguments a) {
  using Places = double[3][kBlockThreads];
  KANTOR_SHARED(Places, places);
  KANTOR_SHARED(bool, flag);
  if (starts(guard)) batch_stats<kColumns>(a, blockIdx.x, {places, flag});
}

}  // namespace

void enqueue_batch_stats(const Node& node, Recorder& r) {
  with_channel_parts(node, node.in[0], r, [&](auto columns, const ChannelParts& s, const LaunchShape& shape) {
    BatchStatsArguments a = {moments_of(node, s), node.in[1].f32(), node.in[2].f32(), node.out[3].f32(),
                             node.out[4].f32()};
    r.launch(batch_stats_kernel<columns.value>, shape, a);
  });
}

}  // namespace kantor::cuda
