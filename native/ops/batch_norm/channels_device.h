// How the kernels of the batch norm ops walk [N, C, HW]: sums by channel over parts that the shape alone fixes.
//
// A block takes a part of one channel, or, where planes are small, of 32 neighbouring channels, so that neighbouring
// threads read neighbouring elements either way. A thread adds kThreadTerms elements at most in float; what follows is
// added in double, in order.
#pragma once
#include "ops/batch_norm/channels.h"
#include "runtime/cuda/device_code.h"

namespace kantor::cuda {

constexpr int kThreadTerms = 32;

struct ChannelParts {
  int n, c, hw;
  int parts, terms;   // parts of a channel, elements of a part
  double* partial;    // [2, parts, C], where there are several
  unsigned* tickets;  // one a block's channels

  __device__ int members() const { return n * hw; }
  // Element i of a channel.
  __device__ int row(int channel, int i) const { return i / hw * c + channel; }
  __device__ int at(int channel, int i) const { return row(channel, i) * hw + i % hw; }
};

// A thread's share of its block's part: elements first, first + kLanes, .. of a channel, if live.
template <int kColumns>
struct OwnPart {
  static constexpr int kLanes = kBlockThreads / kColumns;
  int tile, part, lane, channel, begin, first, end;
  bool live;

  __device__ OwnPart(const ChannelParts& s, unsigned block)
      : tile(static_cast<int>(block) / s.parts),
        part(static_cast<int>(block) % s.parts),
        lane(static_cast<int>(threadIdx.x) / kColumns),
        channel(tile * kColumns + static_cast<int>(threadIdx.x) % kColumns),
        begin(part * s.terms),
        first(begin + lane),
        end(min(s.members(), begin + s.terms)),
        live(channel < s.c) {}
  __device__ bool leads() const { return live && lane == 0; }
};

// The sums over the lanes of each channel of a block, the same in each of its threads. places: K rows, free again after
// the block's next barrier.
template <int kColumns, int K>
__device__ inline void sum_lanes(double (&values)[K], double (*places)[kBlockThreads]) {
  int t = static_cast<int>(threadIdx.x);
  if constexpr (kColumns == 1) {
    for (int k = 0; k < K; ++k) {
      for (int flip = kWarp / 2; flip > 0; flip /= 2) values[k] += __shfl_xor_sync(~0u, values[k], flip);
      if (t % kWarp == 0) places[k][t / kWarp] = values[k];
    }
  } else {
    for (int k = 0; k < K; ++k) places[k][t] = values[k];
  }
  __syncthreads();
  constexpr int kAddends = kColumns == 1 ? kBlockThreads / kWarp : kBlockThreads / kColumns;
  for (int k = 0; k < K; ++k) {
    values[k] = places[k][t % kColumns];
    for (int l = 1; l < kAddends; ++l) values[k] += places[k][l * kColumns + t % kColumns];
  }
}

// Hands a part's two values to the block that combines the channel: true in the one that comes last, after which it may
// read those of all parts.
template <int kColumns>
__device__ inline bool hand_in(const ChannelParts& s, const OwnPart<kColumns>& own, double first, double second,
                               bool& flag) {
  if (own.leads()) {
    s.partial[own.part * s.c + own.channel] = first;
    s.partial[(s.parts + own.part) * s.c + own.channel] = second;
  }
  if constexpr (kColumns > 1) __syncwarp();  // those that lead are in the warp of thread 0
  return last_block(s.tickets + own.tile, static_cast<unsigned>(s.parts), flag);
}

// Calls body(std::integral_constant<int, kColumns>, parts, blocks).
template <class Body>
void with_channel_parts(const Node& node, const Tensor& x, Recorder& r, Body body) {
  constexpr int kLargePlane = 16, kTile = 32;
  const Channels shape = Channels::of(x);
  extent(node, x.count());
  ChannelParts s = {};
  s.n = static_cast<int>(shape.n), s.c = static_cast<int>(shape.c), s.hw = static_cast<int>(shape.hw);
  bool tiled = s.hw < kLargePlane && s.c > 1;
  s.terms = kBlockThreads / (tiled ? kTile : 1) * kThreadTerms;
  s.parts = ceil_div(s.n * s.hw, s.terms);
  int tiles = tiled ? ceil_div(s.c, kTile) : s.c;
  if (s.parts > 1) {
    s.partial = r.scratch<double>(int64_t{2} * s.parts * s.c);
    s.tickets = r.tickets(tiles);
  }
  LaunchShape blocks = {static_cast<unsigned>(tiles * s.parts), kBlockThreads};
  tiled ? body(std::integral_constant<int, kTile>{}, s, blocks) : body(std::integral_constant<int, 1>{}, s, blocks);
}

}  // namespace kantor::cuda
