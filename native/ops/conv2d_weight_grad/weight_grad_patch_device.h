// dW where X's pixels lie side by side under dY's (stride 1): both come into shared memory once, by lines, and the elements
// of the kernel read X shifted (as in conv_patch_device.h), each with sums of its own in registers.
//
// A step of the depth is some lines of one image's dY, with the lines of X that they reach. A block sums up the steps of its
// part for some of the output's channels by some of the input's; each part is dW's whole size in scratch, and a second
// kernel adds up the parts. The order of each sum is fixed.
#pragma once
#include "ops/conv2d_weight_grad/conv2d_weight_grad.h"
#include "ops/gemm/tile_product_device.h"

namespace kantor::cuda {

constexpr int kGradPixels = 112;  // of a step, at most
// A kernel's elements: lines of three side by side, at most so many.
constexpr int kGradLines = 3, kGradTaps = 3 * kGradLines;
// In shared memory: a channel of dY, and one of X.
constexpr int kGradPitch = kGradPixels + 4, kGradFloats = 260;
// (Of neighbouring pixels of one line. bf16's pairs in dY meet some banks twice.)
static_assert(meets_banks_once(kGradPitch, 1) && meets_banks_once(kGradFloats, 1));

// A part of a line of X: copied from there, from the first line on, to there in a channel of a patch.
struct GradPiece {
  int from, to;
};

// A warp takes 32 of the output's channels, 8 of the input's, and every so-manieth piece of a step's pixels.
template <int outs, int channels, int depth_groups>
struct GradTile {
  static constexpr int kOuts = outs, kChannels = channels, kDepthGroups = depth_groups;
  static constexpr int kOutGroups = outs / 32, kChannelGroups = channels / 8;
  static constexpr int kWarps = kOutGroups * kChannelGroups * depth_groups, kThreads = kWarps * kWarp;
  static constexpr int kStageFloats = outs * kGradPitch + channels * kGradFloats;
  static constexpr int kSums = outs * channels * kGradTaps;
  static_assert(kDepthGroups * kSums <= 2 * kStageFloats && kGradPitch % 4 == 0 && kGradFloats % 4 == 0);
  // The stages, or the sums; the pixels' places; X's pieces.
  static constexpr size_t kSharedBytes =
      2 * kStageFloats * sizeof(float) + kGradPixels * sizeof(int) + kGradFloats * sizeof(GradPiece);
};
using WideGradTile = GradTile<32, 32, 2>;
using NarrowGradTile = GradTile<64, 8, 4>;  // for images of few channels

struct GradPatchArguments {
  const float *dy, *x;
  float* to;                       // dW's size a part
  int channels, h, w, outs, p, q;  // of X and dY
  int kernel_h, pad_h, pad_w, dilation_h;
  int rows, steps_of_image, steps;  // lines of dY in a step; how many steps
  int lead, pitch, lines;           // of a patch of X: where column 0 is, a line's length, how many
  int x_piece, dy_piece;            // floats that are copied at once: 4, 2 or 1
  int tile_channels;                // tiles along the input's channels
  int part_steps, parts;
};

template <class Tile, Precision precision>
struct GradProduct {
  static constexpr int kDepth = precision == Precision::fp32 ? 4 : precision == Precision::bf16 ? 16 : 8;
  static constexpr int kRowTiles = 2;
  using Lines = int[kGradLines];  // where the kernel's begin, from a pixel's place

  struct Exact {
    float c[kGradTaps][8] = {};  // of every fourth output channel

    __device__ __forceinline__ void add(const float* dy, const float* x, const int* place, const Lines& lines, int lane) {
      const float* channel = x + lane / 4 * kGradFloats;
      float4 outs[8];
#pragma unroll
      for (int i = 0; i < 8; ++i) outs[i] = load4(dy + (i * 4 + lane % 4) * kGradPitch);
#pragma unroll
      for (int k = 0; k < kDepth; ++k) {
        int own = place[k];
#pragma unroll
        for (int t = 0; t < kGradTaps; ++t) {
          float pixel = channel[own + lines[t / 3] + t % 3];
#pragma unroll
          for (int i = 0; i < 8; ++i)
            c[t][i] = fmaf(k == 0 ? outs[i].x : k == 1 ? outs[i].y : k == 2 ? outs[i].z : outs[i].w, pixel, c[t][i]);
        }
      }
    }
    // body(output channel, input channel, tap, sum)
    template <class Body>
    __device__ __forceinline__ void each(int lane, const Body& body) const {
#pragma unroll
      for (int t = 0; t < kGradTaps; ++t)
#pragma unroll
        for (int i = 0; i < 8; ++i) body(i * 4 + lane % 4, lane / 4, t, c[t][i]);
    }
  };

  struct TensorCores {
    float c[kGradTaps][kRowTiles][4] = {};

    __device__ __forceinline__ void add(const float* dy, const float* x, const int* place, const Lines& lines, int lane) {
      constexpr bool bf16 = precision == Precision::bf16;
      constexpr int kHalf = kDepth / 2;
      int g = lane / 4, k = lane % 4 * (kDepth / 8);
      uint32_t rows[kRowTiles][4];
#pragma unroll
      for (int m = 0; m < kRowTiles; ++m)
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          const float* at = dy + (m * 16 + g + i % 2 * 8) * kGradPitch + k + i / 2 * kHalf;
          rows[m][i] = bf16 ? to_bf16(at[0], at[bf16]) : __float_as_uint(*at);
        }
      const float* channel = x + g * kGradFloats;
      int first[2], second[2];
#pragma unroll
      for (int i = 0; i < 2; ++i) first[i] = place[k + i * kHalf], second[i] = place[k + i * kHalf + bf16];
#pragma unroll
      for (int t = 0; t < kGradTaps; ++t) {
        uint32_t cols[2];
#pragma unroll
        for (int i = 0; i < 2; ++i) {
          float pixel = channel[first[i] + lines[t / 3] + t % 3];
          cols[i] = bf16 ? to_bf16(pixel, channel[second[i] + lines[t / 3] + t % 3]) : __float_as_uint(pixel);
        }
#pragma unroll
        for (int m = 0; m < kRowTiles; ++m) {
          if constexpr (bf16)
            mma_bf16(c[t][m], rows[m], cols);
          else
            mma_tf32(c[t][m], rows[m], cols);
        }
      }
    }
    template <class Body>
    __device__ __forceinline__ void each(int lane, const Body& body) const {
#pragma unroll
      for (int t = 0; t < kGradTaps; ++t)
#pragma unroll
        for (int m = 0; m < kRowTiles; ++m)
#pragma unroll
          for (int i = 0; i < 4; ++i) body(m * 16 + lane / 4 + i / 2 * 8, lane % 4 * 2 + i % 2, t, c[t][m][i]);
    }
  };
  using Sums = std::conditional_t<precision == Precision::fp32, Exact, TensorCores>;
};

// Calls body with the number of floats in a piece as a constant.
template <class Body>
__device__ __forceinline__ void with_piece(int floats, const Body& body) {
  if (floats == 4)
    body(std::integral_constant<int, 4>{});
  else if (floats == 2)
    body(std::integral_constant<int, 2>{});
  else
    body(std::integral_constant<int, 1>{});
}

template <class Tile, Precision precision>
__device__ __forceinline__ void weight_grad_of_patches(const GradPatchArguments& g, int block, float* memory) {
  using Product = GradProduct<Tile, precision>;
  constexpr int kThreads = Tile::kThreads, kDepth = Product::kDepth;
  int part = block % g.parts, tile = block / g.parts;
  int first_out = tile / g.tile_channels * Tile::kOuts, first_channel = tile % g.tile_channels * Tile::kChannels;
  auto* place = reinterpret_cast<int*>(memory + 2 * Tile::kStageFloats);
  auto* piece = reinterpret_cast<GradPiece*>(place + kGradPixels);
  int thread = static_cast<int>(threadIdx.x), lane = thread % kWarp, warp = thread / kWarp;
  int pixels = g.rows * g.q, depth = (pixels + kDepth - 1) / kDepth * kDepth;
  int across = g.w / g.x_piece, pieces = g.lines * across;
  for (int e = thread; e < pieces; e += kThreads) {
    int line = e / across, right = e % across * g.x_piece;
    piece[e] = {line * g.w + right, line * g.pitch + g.lead + right};
  }
  // (Pixels that fill a step up are multiplied by zeros.)
  for (int k = thread; k < depth; k += kThreads)
    place[k] = (k < pixels ? k / g.q * g.pitch + k % g.q : 0) + g.lead - g.pad_w;
  for (int e = thread * 4; e < 2 * Tile::kStageFloats; e += kThreads * 4) store4(memory + e, {});
  __syncthreads();

  auto dy_of = [&](int step) { return memory + step % 2 * Tile::kStageFloats; };
  auto x_of = [&](int step) { return dy_of(step) + Tile::kOuts * kGradPitch; };
  // Where this thread's copies for a step go and come from: body(to, from, floats, live), of these the first `live`, then
  // zeros.
  auto each_piece = [&](int step, const auto& body) {
    int image = step / g.steps_of_image, row = step % g.steps_of_image * g.rows, live_pixels = min(g.rows, g.p - row) * g.q;
    with_piece(g.dy_piece, [&](auto floats) {
      for (int o = warp; o < Tile::kOuts; o += Tile::kWarps) {
        int live_out = first_out + o < g.outs ? live_pixels : 0;
        const float* from = g.dy + (static_cast<int64_t>(image) * g.outs + first_out + o) * (g.p * g.q) + row * g.q;
        for (int at = lane * floats.value; at < depth; at += kWarp * floats.value) {
          int live = min(floats.value, max(0, live_out - at));
          body(dy_of(step) + o * kGradPitch + at, live > 0 ? from + at : g.dy, floats, live);
        }
      }
    });
    with_piece(g.x_piece, [&](auto floats) {
      int first = (row - g.pad_h) * g.w;
      for (int c = warp; c < Tile::kChannels; c += Tile::kWarps) {
        bool inside = first_channel + c < g.channels;
        const float* plane = g.x + (static_cast<int64_t>(image) * g.channels + first_channel + c) * (g.h * g.w);
        for (int e = lane; e < pieces; e += kWarp) {
          GradPiece p = piece[e];
          int from = p.from + first;
          bool live = inside && from >= 0 && from < g.h * g.w;
          body(x_of(step) + c * kGradFloats + p.to, live ? plane + from : g.x, floats, live ? floats.value : 0);
        }
      }
    });
  };
  auto load = [&](int step) {
    each_piece(step, [](float* to, const float* from, auto floats, int live) {
      copy_async<floats.value * 4>(to, from, static_cast<unsigned>(live) * sizeof(float));
    });
    commit_copies();
  };

  int group = warp / (Tile::kOutGroups * Tile::kChannelGroups);
  int own_out = warp / Tile::kChannelGroups % Tile::kOutGroups * 32, own_channel = warp % Tile::kChannelGroups * 8;
  bool outside = first_out + own_out >= g.outs || first_channel + own_channel >= g.channels;
  int lines[kGradLines], taps = g.kernel_h * 3;
#pragma unroll
  for (int l = 0; l < kGradLines; ++l) lines[l] = l < g.kernel_h ? l * g.dilation_h * g.pitch : 0;
  typename Product::Sums sums;
  int first = part * g.part_steps, last = min(g.steps, first + g.part_steps);
  load(first);
  for (int step = first; step < last; ++step) {
    wait_copies<0>();
    if constexpr (precision == Precision::tf32)  // what a thread copied it rounds, before the others see it
      each_piece(step, [](float* at, const float*, auto floats, int) { round_in_place<floats.value>(at); });
    __syncthreads();  // the step is there, for all; its predecessor's place is free
    if (step + 1 < last) load(step + 1);
    if (!outside)
      for (int k = group * kDepth; k < depth; k += Tile::kDepthGroups * kDepth)
        sums.add(dy_of(step) + own_out * kGradPitch + k, x_of(step) + own_channel * kGradFloats, place + k, lines, lane);
  }
  __syncthreads();
  sums.each(lane, [&](int o, int c, int t, float sum) {
    if (t < taps) memory[group * Tile::kSums + ((own_out + o) * Tile::kChannels + own_channel + c) * taps + t] = sum;
  });
  __syncthreads();
  int width = min(Tile::kChannels, g.channels - first_channel) * taps;
  float* to = g.to + (static_cast<int64_t>(part) * g.outs * g.channels + first_channel) * taps;
  for (int o = warp; o < Tile::kOuts && first_out + o < g.outs; o += Tile::kWarps)
    for (int e = lane; e < width; e += kWarp) {
      float sum = 0;
#pragma unroll
      for (int of = 0; of < Tile::kDepthGroups; ++of) sum += memory[of * Tile::kSums + o * Tile::kChannels * taps + e];
      to[(first_out + o) * g.channels * taps + e] = sum;
    }
}

template <class Tile, Precision precision>
__global__ void __launch_bounds__(Tile::kThreads, precision == Precision::tf32 ? 2 : 1)
    patch_weight_grad_kernel(const int64_t* guard, GradPatchArguments g) {
  KANTOR_DYNAMIC_SHARED(float, memory);
  if (starts(guard)) weight_grad_of_patches<Tile, precision>(g, static_cast<int>(blockIdx.x), memory);
}

// to[i] = the sum of partial[part * count + i] over the parts: those of a warp in order, then the warps' in order.
constexpr int kGradSumWarps = 8;
__device__ __forceinline__ void add_grad_parts(const float* partial, int parts, int count, float* to,
                                               float (&sums)[kGradSumWarps][kWarp]) {
  constexpr int kAhead = 8;
  int lane = static_cast<int>(threadIdx.x) % kWarp, warp = static_cast<int>(threadIdx.x) / kWarp;
  int i = static_cast<int>(blockIdx.x) * kWarp + lane, share = (parts + kGradSumWarps - 1) / kGradSumWarps;
  int last = min(parts, (warp + 1) * share);
  float sum = 0;
  for (int part = warp * share; part < last; part += kAhead) {
    float terms[kAhead];
#pragma unroll
    for (int k = 0; k < kAhead; ++k)
      terms[k] = i < count && part + k < last ? partial[static_cast<int64_t>(part + k) * count + i] : 0;
#pragma unroll
    for (int k = 0; k < kAhead; ++k) sum += terms[k];
  }
  sums[warp][lane] = sum;
  __syncthreads();
  if (warp > 0 || i >= count) return;
  for (int w = 1; w < kGradSumWarps; ++w) sum += sums[w][lane];
  to[i] = sum;
}

}  // namespace kantor::cuda
