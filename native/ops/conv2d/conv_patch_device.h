// The products of conv_device.h where a pixel's taps lie side by side, as they do for a stride of 1 and in every gradient.
//
// An implicit product brings each source element into shared memory once a tap. Here it comes once: a block's patch is the
// lines of the source that its pixels reach, of a few channels at a time, and the taps read it shifted. Images follow one
// another in a patch, each with the zeros above and below that its pixels reach, so that a block's pixels may be of several.
// The depth goes by kPatchChannels channels, in each of them by taps, and in those by channels: the order is fixed.
#pragma once
#include "ops/conv2d/conv_device.h"

namespace kantor::cuda {

constexpr int kPatchChannels = 8;  // in shared memory at a time
constexpr int kPatchTaps = 9;      // at most
// In shared memory: a channel of a patch, and an output channel's weights, [channel][tap].
constexpr int kPatchFloats = 680, kPatchWeights = kPatchChannels * kPatchTaps + 4;
static_assert(meets_banks_once(1, kPatchFloats));  // (neighbouring pixels, of one line)
static_assert(meets_banks_once(kPatchWeights, kPatchTaps));

// The pixels of a patch, and the tiles that are made from one, with as many threads.
constexpr int kPatchPixels = 256;
using PatchTile16 = TileShape<16, kPatchPixels, 16, 32>;
using PatchTile32 = TileShape<32, kPatchPixels, 32, 32>;
using PatchTile64 = TileShape<64, kPatchPixels, 64, 32>;

struct PatchTap {
  int offset, weight;  // in a patch, from a pixel's place; among an output channel's weights of a source channel
};

struct PatchClass {
  PixelClass pixels;  // taps, depth: the first of its PatchTaps, how many
  int lines;          // of an image in a patch
  int down, reach;    // the row of the source of the first of these; how many lines a pixel's taps reach down over
};

struct PatchArguments {
  ConvArguments conv;  // but for taps and classes
  const PatchTap* taps;
  const PatchClass* classes;
  int channel_weights;     // from one source channel to the next
  int lead, pitch;         // of a line of a patch: where the source's column 0 is, and its length
  int piece;               // floats that are copied at once: 4, 2 or 1
  bool weights_in_fours;   // those of kPatchChannels channels lie side by side at a multiple of 16 bytes
};

// A part of a line: copied from there in a channel of the first image (-1: it stays zero) to there in a channel of a patch.
struct PatchPiece {
  int from, to;
};

template <class Tile, Precision precision>
struct PatchProduct {
  static constexpr int kThreads = Tile::kThreads, kWarps = kThreads / kWarp;
  static constexpr int kWeightFloats = Tile::kRows * kPatchWeights;
  static constexpr int kStageFloats = kWeightFloats + kPatchChannels * kPatchFloats;
  static constexpr int kFloats = 2 * kStageFloats > Tile::kSumFloats ? 2 * kStageFloats : Tile::kSumFloats;
  static constexpr int kWarpRows = Tile::kWarpRows, kWarpCols = Tile::kWarpCols, kColTiles = kWarpCols / 8;
  static_assert(kFloats % 4 == 0 && kWeightFloats % 4 == 0 && kPatchFloats % 4 == 0);
  // After the stages, or the sums: the taps, then the pieces. (No patch has more of these than floats in a channel. A kernel
  // asks for the same memory whatever the shape.)
  static constexpr size_t kSharedBytes =
      kFloats * sizeof(float) + kPatchTaps * sizeof(PatchTap) + kPatchFloats * sizeof(PatchPiece);

  // Where a stage's copies go and come from, by thread: body(to, from, floats, live), of `floats` floats the first `live` of
  // them, the rest zeros. channel: the first.
  template <class Body>
  __device__ static __forceinline__ void each_weight(const PatchArguments& g, int first_output, int taps, int channel,
                                                     const PatchTap* tap, const Body& body) {
    int left = g.conv.channels - channel;
    const float* from = g.conv.weight + static_cast<int64_t>(channel) * g.channel_weights;
    if (g.weights_in_fours) {
      constexpr int kPieces = kPatchChannels * kPatchTaps / 4;
      for (int e = static_cast<int>(threadIdx.x); e < Tile::kRows * kPieces; e += kThreads) {
        int row = e / kPieces, at = e % kPieces * 4, output = first_output + row;
        int live = output < g.conv.outputs ? min(4, max(0, left * kPatchTaps - at)) : 0;
        body(row * kPatchWeights + at, live > 0 ? from + output * g.conv.weight_stride + at : g.conv.weight,
             std::integral_constant<int, 4>{}, live);
      }
    } else {
      // By the direction in which the weights lie closer; the taps of one channel lie side by side.
      bool rows_first = g.conv.weight_stride < g.channel_weights;
      unsigned inverse = (1u << 24) / static_cast<unsigned>(max(1, taps)) + 1;
      for (int e = static_cast<int>(threadIdx.x); e < Tile::kRows * kPatchChannels * taps; e += kThreads) {
        int unit = static_cast<int>((static_cast<uint64_t>(static_cast<unsigned>(e)) * inverse) >> 24);
        int t = e - unit * taps;
        int row = rows_first ? unit % Tile::kRows : unit / kPatchChannels;
        int c = rows_first ? unit / Tile::kRows : unit % kPatchChannels, output = first_output + row;
        bool live = output < g.conv.outputs && c < left;
        body(row * kPatchWeights + c * kPatchTaps + t,
             live ? from + output * g.conv.weight_stride + c * g.channel_weights + tap[t].weight : g.conv.weight,
             std::integral_constant<int, 1>{}, live ? 1 : 0);
      }
    }
  }
  template <class Body>
  __device__ static __forceinline__ void each_piece(const PatchArguments& g, int pieces, int channel,
                                                    const PatchPiece* piece, const Body& body) {
    int lane = static_cast<int>(threadIdx.x) % kWarp;
    auto all = [&](auto floats) {
      for (int c = static_cast<int>(threadIdx.x) / kWarp; c < kPatchChannels; c += kWarps) {
        bool live = channel + c < g.conv.channels;
        const float* plane = g.conv.source + static_cast<int64_t>(live ? channel + c : 0) * (g.conv.h * g.conv.w);
        for (int e = lane; e < pieces; e += kWarp) {
          PatchPiece p = piece[e];
          if (p.from >= 0) body(c * kPatchFloats + p.to, plane + p.from, floats, live ? floats.value : 0);
        }
      }
    };
    if (g.piece == 4)
      all(std::integral_constant<int, 4>{});
    else if (g.piece == 2)
      all(std::integral_constant<int, 2>{});
    else
      all(std::integral_constant<int, 1>{});
  }

  // place[n]: of this lane's pixel of column tile n, in a channel of the patch; row: the first of the warp.
  struct Exact {
    static constexpr int kRows = kWarpRows / 4;  // a thread's: every fourth
    float c[kRows][kColTiles] = {};

    __device__ __forceinline__ void add(const float* weights, const float* patch, const PatchTap* tap, int taps,
                                        const int (&place)[kColTiles], int row, int lane) {
      const float* own = weights + (row + lane % 4) * kPatchWeights;
      for (int t = 0; t < taps; ++t) {
        const float* from = patch + tap[t].offset;
#pragma unroll
        for (int k = 0; k < kPatchChannels; ++k) {
          float cols[kColTiles];
#pragma unroll
          for (int n = 0; n < kColTiles; ++n) cols[n] = from[place[n] + k * kPatchFloats];
#pragma unroll
          for (int m = 0; m < kRows; ++m) {
            float weight = own[m * 4 * kPatchWeights + k * kPatchTaps + t];
#pragma unroll
            for (int n = 0; n < kColTiles; ++n) c[m][n] = fmaf(weight, cols[n], c[m][n]);
          }
        }
      }
    }
    __device__ __forceinline__ void store(float* sums, int row, int col, int lane) const {
#pragma unroll
      for (int m = 0; m < kRows; ++m)
#pragma unroll
        for (int n = 0; n < kColTiles; ++n)
          sums[(row + m * 4 + lane % 4) * Tile::kSumStride + col + n * 8 + lane / 4] = c[m][n];
    }
  };

  // A step of the depth is a tap of the channels (tf32), or two taps of them side by side in the words (bf16).
  struct TensorCores : TileProduct<Tile, precision, true, false>::TensorCores {
    static constexpr int kRowTiles = kWarpRows / 16;
    static constexpr int kUnroll = kRowTiles > 2 ? 1 : 3;  // (registers)

    __device__ __forceinline__ void add(const float* weights, const float* patch, const PatchTap* tap, int taps,
                                        const int (&place)[kColTiles], int row, int lane) {
      const float* own = weights + (row + lane / 4) * kPatchWeights + lane % 4 * kPatchTaps;
      patch += lane % 4 * kPatchFloats;
      constexpr bool bf16 = precision == Precision::bf16;
      auto step = [&](int t, auto both) {
        const float *first = patch + tap[t].offset, *second = patch + tap[t + both.value].offset;
        auto word = [&](float low, const float* high) {
          if constexpr (bf16)
            return to_bf16(low, both.value ? *high : 0);
          else
            return __float_as_uint(low);
        };
        uint32_t cols[kColTiles][2];
#pragma unroll
        for (int n = 0; n < kColTiles; ++n)
#pragma unroll
          for (int i = 0; i < 2; ++i)
            cols[n][i] = word(first[place[n] + i * 4 * kPatchFloats], second + place[n] + i * 4 * kPatchFloats);
#pragma unroll
        for (int m = 0; m < kRowTiles; ++m) {
          uint32_t rows[4];
#pragma unroll
          for (int i = 0; i < 4; ++i) {
            const float* at = own + (m * 16 + i % 2 * 8) * kPatchWeights + i / 2 * 4 * kPatchTaps + t;
            rows[i] = word(*at, at + 1);
          }
#pragma unroll
          for (int n = 0; n < kColTiles; ++n) {
            if constexpr (bf16)
              mma_bf16(this->c[m][n], rows, cols[n]);
            else
              mma_tf32(this->c[m][n], rows, cols[n]);
          }
        }
      };
      if constexpr (bf16) {
        int t = 0;
        for (; t + 1 < taps; t += 2) step(t, std::true_type{});
        if (t < taps) step(t, std::false_type{});
      } else {
#pragma unroll kUnroll
        for (int t = 0; t < taps; ++t) step(t, std::false_type{});
      }
    }
  };
};

template <class Tile, Precision precision, class Table>
__device__ __forceinline__ void convolve_patches(const PatchArguments& g, const Table& epilogue, unsigned block,
                                                 const TileShared& shared) {
  using Product = PatchProduct<Tile, precision>;
  constexpr int kThreads = Tile::kThreads, kColTiles = Product::kColTiles, kWarpsAcross = Tile::kCols / Tile::kWarpCols;
  static_assert(kThreads == kPatchPixels, "a thread's pixel stays the same");
  const ConvArguments& conv = g.conv;
  int part = static_cast<int>(block) % conv.parts.parts, tile = static_cast<int>(block) / conv.parts.parts, own_class = 0;
  while (own_class + 1 < conv.class_count && g.classes[own_class + 1].pixels.tile <= tile) ++own_class;
  const PatchClass of = g.classes[own_class];
  int taps = of.pixels.depth;
  int first_output = (tile - of.pixels.tile) % conv.tile_rows * Tile::kRows;
  int first_pixel = (tile - of.pixels.tile) / conv.tile_rows * Tile::kCols;
  int pixels = min(Tile::kCols, conv.images * of.pixels.rows * of.pixels.cols - first_pixel);
  auto line_of = [&](const Pixel& p) { return p.image * of.lines + p.row; };
  int top = line_of(Pixel(of.pixels, conv.images, first_pixel));
  int lines = line_of(Pixel(of.pixels, conv.images, first_pixel + pixels - 1)) - top + 1 + of.reach;

  auto* tap = reinterpret_cast<PatchTap*>(shared.memory + Product::kFloats);
  auto* piece = reinterpret_cast<PatchPiece*>(tap + kPatchTaps);
  int thread = static_cast<int>(threadIdx.x), lane = thread % kWarp, warp = thread / kWarp;
  int across = conv.w / g.piece, pieces = lines * across;
  for (int e = thread; e < pieces; e += kThreads) {
    int line = e / across, right = e % across * g.piece;
    int image = (top + line) / of.lines, row = (top + line) % of.lines + of.down;
    bool live = image < conv.images && row >= 0 && row < conv.h;
    piece[e] = {live ? (image * conv.channels * conv.h + row) * conv.w + right : -1, line * g.pitch + g.lead + right};
  }
  if (thread < taps) tap[thread] = g.taps[of.pixels.taps + thread];
  auto weights_of = [&](int step) { return shared.memory + step % 2 * Product::kStageFloats; };
  auto patch_of = [&](int step) { return weights_of(step) + Product::kWeightFloats; };
  for (int stage = 0; stage < 2; ++stage)
    for (int e = thread * 4; e < kPatchChannels * kPatchFloats; e += kThreads * 4) store4(patch_of(stage) + e, {});
  __syncthreads();

  auto load = [&](int step) {
    float *weights = weights_of(step), *patch = patch_of(step);
    auto copy_to = [](float* memory) {
      return [memory](int to, const float* from, auto floats, int live) {
        copy_async<floats.value * 4>(memory + to, from, static_cast<unsigned>(live) * sizeof(float));
      };
    };
    Product::each_weight(g, first_output, taps, step * kPatchChannels, tap, copy_to(weights));
    Product::each_piece(g, pieces, step * kPatchChannels, piece, copy_to(patch));
    commit_copies();
  };
  // What a thread copied it rounds, before the others see it.
  auto round = [&](int step) {
    auto in = [](float* memory) {
      return [memory](int at, const float*, auto floats, int) { round_in_place<floats.value>(memory + at); };
    };
    Product::each_weight(g, first_output, taps, step * kPatchChannels, tap, in(weights_of(step)));
    Product::each_piece(g, pieces, step * kPatchChannels, piece, in(patch_of(step)));
  };

  int row = warp / kWarpsAcross * Tile::kWarpRows, col = warp % kWarpsAcross * Tile::kWarpCols;
  bool outside = first_output + row >= conv.outputs || col >= pixels;
  int place[kColTiles];
#pragma unroll
  for (int n = 0; n < kColTiles; ++n) {
    int own = col + n * 8 + lane / 4;
    Pixel p(of.pixels, conv.images, first_pixel + (own < pixels ? own : 0));
    place[n] = (line_of(p) - top) * g.pitch + p.col + g.lead;
  }
  std::conditional_t<precision == Precision::fp32, typename Product::Exact, typename Product::TensorCores> sums;
  int first = part * conv.parts.steps;
  int last = min((conv.channels + kPatchChannels - 1) / kPatchChannels, first + conv.parts.steps);
  load(first);
  for (int step = first; step < last; ++step) {
    wait_copies<0>();
    if constexpr (precision == Precision::tf32) round(step);
    __syncthreads();  // the step is there, for all; its predecessor's place is free
    if (step + 1 < last) load(step + 1);
    if (!outside) sums.add(weights_of(step), patch_of(step), tap, taps, place, row, lane);
  }
  __syncthreads();
  sums.store(shared.memory, row, col, lane);
  __syncthreads();
  Pixel to(of.pixels, conv.images, first_pixel + thread);
  int at = (of.pixels.top + to.row * conv.jump_h) * conv.out_w + of.pixels.left + to.col * conv.jump_w;
  finish<Tile>(conv.parts, epilogue, tile, part, shared, [&](int r, int) {
    int output = first_output + r;
    return PwElement{to.image * conv.outputs + output, at, output < conv.outputs && to.live};
  });
}

template <class Tile, Precision precision, class Table>
__global__ void __launch_bounds__(Tile::kThreads, 2)
    patch_kernel(const int64_t* guard, PatchArguments g, Table epilogue) {
  KANTOR_DYNAMIC_SHARED(float, memory);
  KANTOR_SHARED(bool, flag);
  if (starts(guard)) convolve_patches<Tile, precision>(g, epilogue, blockIdx.x, {memory, flag});
}

}  // namespace kantor::cuda
