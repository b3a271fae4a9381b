// A block that has all of its channels normalises them too; where channels have several parts, a second kernel does.
#include "ops/batch_norm/batch_norm.h"

#include "ops/batch_norm/moments_device.h"
#include "ops/pointwise/pointwise_device.h"

namespace kantor::cuda {

namespace {

constexpr int kElements = 4;  // of a thread, that go through the epilogue together

struct BatchNormArguments {
  MomentsArguments moments;
  const float *gamma, *beta;
  float4* maps;  // of the channels, where there are several parts
};

// y = (x - map.x) * map.y + map.z. What rounding the mean loses would count where the mean is far larger than the
// deviation, so it goes into the last.
__device__ inline float4 map_of(const BatchNormArguments& a, int channel, const Measured& m) {
  float mean = static_cast<float>(m.mean);
  double scale = static_cast<double>(a.gamma[channel]) * m.rstd, lost = static_cast<double>(mean) - m.mean;
  return {mean, static_cast<float>(scale),
          static_cast<float>(static_cast<double>(a.beta[channel]) + lost * scale), 0};
}
__device__ inline float normalised(float x, float4 map) { return fmaf(x - map.x, map.y, map.z); }

template <int kColumns, class Table>
__device__ inline void batch_norm(const BatchNormArguments& a, const Table& epilogue, unsigned block,
                                  const MomentsShared& shared) {
  constexpr int kLanes = OwnPart<kColumns>::kLanes;
  const ChannelParts& s = a.moments.s;
  OwnPart<kColumns> own(s, block);
  Measured m = measure(a.moments, own, shared);
  if (!m.complete || !own.live) return;
  float4 map = map_of(a, own.channel, m);
  if (s.parts > 1) {
    if (own.lane == 0) store4(&a.maps[own.channel].x, map);
    return;
  }
  for (int first = own.first; first < own.end; first += kElements * kLanes) {
    PwElement at[kElements];
    float y[kElements];
    for (int e = 0; e < kElements; ++e) {
      int i = first + e * kLanes;
      at[e] = {s.row(own.channel, i), i % s.hw, i < own.end};
      y[e] = at[e].live ? normalised(a.moments.x[at[e].row * s.hw + at[e].col], map) : 0;
    }
    run_program(epilogue, at, y);
  }
}

template <int kColumns, class Table>
__global__ void batch_norm_kernel(const int64_t* guard, BatchNormArguments a, Table epilogue) {
  using Places = double[3][kBlockThreads];
  KANTOR_SHARED(Places, places);
  KANTOR_SHARED(bool, flag);
  if (starts(guard)) batch_norm<kColumns>(a, epilogue, blockIdx.x, {places, flag});
}

template <class Table>
__device__ inline void normalise(const BatchNormArguments& a, const Table& epilogue, unsigned block) {
  const ChannelParts& s = a.moments.s;
  PwElement at[kElements];
  float y[kElements];
  for (int e = 0; e < kElements; ++e) {
    int i = (static_cast<int>(block) * kElements + e) * kBlockThreads + static_cast<int>(threadIdx.x);
    at[e] = {i / s.hw, i % s.hw, i < s.n * s.c * s.hw};
    y[e] = at[e].live ? normalised(a.moments.x[i], load4(&a.maps[at[e].row % s.c].x)) : 0;
  }
  run_program(epilogue, at, y);
}

template <class Table>
__global__ void normalise_kernel(const int64_t* guard, BatchNormArguments a, Table epilogue) {
  if (starts(guard)) normalise(a, epilogue, blockIdx.x);
}

}  // namespace

void enqueue_batch_norm(const Node& node, Recorder& r) {
  size_t position = 1;
  PwProgram program = PwProgram::decode(node, &position, 3, 3, true);
  with_table(node, program, 3, 3, [&](const auto& epilogue) {
    using Table = std::remove_cvref_t<decltype(epilogue)>;
    with_channel_parts(node, node.in[0], r, [&](auto columns, const ChannelParts& s, const LaunchShape& shape) {
      BatchNormArguments a = {moments_of(node, s), node.in[1].f32(), node.in[2].f32(), nullptr};
      if (s.parts > 1) a.maps = r.scratch<float4>(s.c);
      r.launch(batch_norm_kernel<columns.value, Table>, shape, a, epilogue);
      if (s.parts > 1) r.launch(normalise_kernel<Table>, elementwise(ceil_div(s.n * s.c * s.hw, kElements)), a, epilogue);
    });
  });
}

}  // namespace kantor::cuda
