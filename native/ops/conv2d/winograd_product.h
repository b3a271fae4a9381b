// The products of Winograd's convolutions: (m + 2)^2 matrices [tile][in channel] of a transformed source, by those of the
// transformed weights, [in channel][out channel]. Output channels come in chunks of a register tile's vectors.
#pragma once
#include <algorithm>

#include "ops/conv2d/conv_tile.h"
#include "ops/conv2d/winograd_lines.h"
#include "ops/gemm/gemm_microkernel.h"
#include "runtime/op.h"

namespace kantor::KANTOR_ISA {
namespace {

// Tap (r, s) of channels o and c is element o * per_out + c * per_in + (turned ? 8 - 3r - s : 3r + s).
struct WinogradWeights {
  const float* data;
  int64_t in_channels, out_channels, per_out, per_in;
  bool turned;
};

template <int m>
class WinogradProduct {
 public:
  WinogradProduct(const WinogradWeights& weights, Plan& plan)
      : w_(weights),
        chunks_(ceil_div(w_.out_channels, kWidth), kTileVectors),
        at_(plan.scratch(static_cast<size_t>(kPoints * w_.in_channels * round_up(w_.out_channels, kWidth)) *
                         sizeof(float))) {}

  int64_t chunks() const { return chunks_.blocks; }
  int64_t first_channel(int64_t chunk) const { return chunks_.begin(chunk) * kWidth; }
  int64_t lanes(int64_t chunk) const { return first_channel(chunk + 1) - first_channel(chunk); }
  int weight_tasks() const { return static_cast<int>(chunks_.extent * in_blocks()); }

  // A vector of output channels with a block of input channels.
  void transform_weights(int task, std::byte* scratch) const {
    const int64_t vector = task / in_blocks(), c_end = w_.in_channels * (task % in_blocks() + 1) / in_blocks();
    int64_t chunk = 0;
    while (chunks_.begin(chunk + 1) <= vector) ++chunk;
    const int64_t o = vector * kWidth, count = std::min<int64_t>(w_.out_channels - o, kWidth);
    float* to = at(chunk, 0, scratch) + (vector - chunks_.begin(chunk)) * kWidth;
    for (int64_t c = w_.in_channels * (task % in_blocks()) / in_blocks(); c < c_end; ++c) {
      DoubleVec w[3][3] = {};
      for (int64_t i = 0; i < count; ++i) {
        const float* from = w_.data + (o + i) * w_.per_out + c * w_.per_in;
        for (int tap = 0; tap < 9; ++tap) w[tap % 3][tap / 3][i] = from[w_.turned ? 8 - tap : tap];
      }
      DoubleVec t[3][kIn];
      for (int s = 0; s < 3; ++s) Winograd<m>::kernel(w[s], t[s]);
      for (int i = 0; i < kIn; ++i) {
        const DoubleVec row[3] = {t[0][i], t[1][i], t[2][i]};
        DoubleVec u[kIn];
        Winograd<m>::kernel(row, u);
        for (int j = 0; j < kIn; ++j)
          store(to + ((i * kIn + j) * w_.in_channels + c) * lanes(chunk), __builtin_convertvector(u[j], Vec));
      }
    }
  }

  // products[p * product_stride + tile * lanes(chunk) + channel] for each point p, of
  // source[p * source_stride + tile * whole_lanes(in_channels) + in channel].
  void multiply(int64_t chunk, int64_t tiles, const float* source, int64_t source_stride, float* products,
                int64_t product_stride, std::byte* scratch) const {
    const int64_t out_lanes = lanes(chunk), in_lanes = round_up(w_.in_channels, kWidth);
    const Cut rows(tiles, kTileRows);
    for (int64_t p = 0; p < kPoints; ++p)
      for (int64_t b = 0; b < rows.blocks; ++b) {
        const int64_t t = rows.begin(b);
        tile_function(static_cast<int>(rows.begin(b + 1) - t), static_cast<int>(out_lanes / kWidth), true)(
            source + p * source_stride + t * in_lanes, in_lanes, at(chunk, p, scratch), out_lanes, w_.in_channels,
            products + p * product_stride + t * out_lanes, out_lanes, false);
      }
  }

 private:
  static constexpr int kIn = m + 2;
  static constexpr int64_t kPoints = kIn * kIn, kWeightChannels = 16;

  int64_t in_blocks() const { return ceil_div(w_.in_channels, kWeightChannels); }
  // The weights at a point for a chunk of output channels.
  float* at(int64_t chunk, int64_t point, std::byte* scratch) const {
    return reinterpret_cast<float*>(scratch + at_) +
           w_.in_channels * (kPoints * first_channel(chunk) + point * lanes(chunk));
  }

  WinogradWeights w_;
  Cut chunks_;  // of vectors of output channels
  size_t at_;
};

}  // namespace
}  // namespace kantor::KANTOR_ISA
