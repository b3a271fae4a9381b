// Winograd's weight gradient of a 3 x 3 kernel with stride and dilation 1: the transpose of F(m x m, 3 x 3) with
// respect to the kernel. At each of (m + 2)^2 points the transformed tiles of dY, [tile][out channel], and of X,
// [tile][in channel], are multiplied and summed over the tiles; the sums are transformed to 3 x 3.
//
// The strips of tiles are cut into groups. A group sums strip by strip, each strip's sum taken from 0: shorter chains of
// additions round less. A second phase adds the groups in order.
#pragma once
#include <array>
#include <utility>

#include "ops/conv2d/winograd_tiles.h"
#include "ops/gemm/gemm_microkernel.h"
#include "ops/workspaces.h"

namespace kantor::KANTOR_ISA {
namespace {

// out[i][j] = (add: what it held +) sum over k < depth, in order, of a[k * a_stride + i] * b[k * b_stride + j], i < MR,
// j < NR * kWidth.
using OuterTile = void (*)(const float* a, ptrdiff_t a_stride, const float* b, ptrdiff_t b_stride, int64_t depth,
                           float* out, ptrdiff_t out_stride, bool add);

template <int MR, int NR>
void outer_tile(const float* a, ptrdiff_t a_stride, const float* b, ptrdiff_t b_stride, int64_t depth, float* out,
                ptrdiff_t out_stride, bool add) {
  Vec sum[MR][NR] = {};
  for (int64_t k = 0; k < depth; ++k, a += a_stride, b += b_stride) {
    Vec row[NR];
#pragma GCC unroll 4
    for (int j = 0; j < NR; ++j) row[j] = load(b + j * kWidth);
#pragma GCC unroll 16
    for (int i = 0; i < MR; ++i) {
      Vec x = broadcast(a[i]);
#pragma GCC unroll 4
      for (int j = 0; j < NR; ++j) sum[i][j] = fma(x, row[j], sum[i][j]);
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < MR; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < NR; ++j) {
      float* to = out + i * out_stride + j * kWidth;
      store(to, add ? load(to) + sum[i][j] : sum[i][j]);
    }
}

template <int NR, size_t... Row>
constexpr std::array<OuterTile, sizeof...(Row)> outer_tiles(std::index_sequence<Row...>) {
  return {outer_tile<static_cast<int>(Row) + 1, NR>...};
}
inline OuterTile outer_tile_of(int64_t rows, int64_t vectors) {
  using Rows = std::make_index_sequence<kTileRows>;
  static constexpr std::array<OuterTile, kTileRows> table[kTileVectors] = {outer_tiles<1>(Rows()),
                                                                          outer_tiles<2>(Rows())};
  return table[vectors - 1][static_cast<size_t>(rows - 1)];
}

template <int m>
class WinogradWeightGrad {
 public:
  WinogradWeightGrad(const ConvShape& shape, const ConvSource& dy, const ConvSource& x, float* dw, Plan& plan)
      : z_(shape),
        dw_(dw),
        in_lanes_(whole_lanes(z_.c)),
        out_lanes_(whole_lanes(z_.o)),
        cut_(z_.n, z_.p, z_.q, m,
             std::clamp(kStripFloats / (kPoints * (in_lanes_ + out_lanes_)), kLeastTiles, kMostTiles)),
        x_(x, z_.c, z_.h, z_.w, -z_.ph, -z_.pw, cut_),
        dy_(dy, z_.o, z_.p, z_.q, 0, 0, cut_),
        groups_(std::clamp(cut_.strips() * cut_.most_tiles() / kGroupTiles, int64_t{1},
                           std::min(cut_.strips(), kMostGroups))),
        in_stride_(apart(cut_.most_tiles() * in_lanes_)),
        out_stride_(apart(cut_.most_tiles() * out_lanes_)),
        sums_stride_(apart(z_.o * in_lanes_)),
        dy_at_(kPoints * in_stride_),
        sums_at_(dy_at_ + kPoints * out_stride_),
        own_at_(sums_at_ + kPoints * sums_stride_),
        places_(groups_, own_at_ + std::max(x_.size(), dy_.size()), plan),
        partial_at_(plan.scratch(static_cast<size_t>(groups_ * z_.o * 9 * in_lanes_) * sizeof(float))) {}

  int tasks() const { return static_cast<int>(groups_); }
  int merge_tasks() const { return static_cast<int>(ceil_div(z_.o, kMergeChannels)); }

  void run(int group, std::byte* scratch) const {
    Workspaces::Lease lease(places_, scratch);
    float* own = lease.floats();
    const int64_t first = cut_.strips() * group / groups_;
    for (int64_t i = first; i < cut_.strips() * (group + 1) / groups_; ++i) {
      const Strip strip = cut_.strip(i);
      x_.transform(strip, own, in_stride_, own + own_at_);
      dy_.transform(strip, own + dy_at_, out_stride_, own + own_at_);
      multiply(cut_.tiles(strip), i > first, own);
    }
    float* to = partial(group, scratch);
    for (int64_t o = 0; o < z_.o; ++o)
      for (int64_t c = 0; c < z_.c; c += kWidth)
        reduce(own + sums_at_ + o * in_lanes_ + c, to + o * 9 * in_lanes_ + c);
  }

  // Adds the groups' sums for some output channels and puts them where dW has them.
  void merge(int block, std::byte* scratch) const {
    for (int64_t o = block * kMergeChannels; o < std::min(z_.o, (block + 1) * kMergeChannels); ++o)
      for (int64_t c = 0; c < z_.c; c += kWidth)
        for (int64_t tap = 0; tap < 9; ++tap) {
          const int64_t at = (o * 9 + tap) * in_lanes_ + c;
          Vec total = load(partial(0, scratch) + at);
          for (int64_t group = 1; group < groups_; ++group) total += load(partial(group, scratch) + at);
          for (int64_t i = 0; i < std::min<int64_t>(z_.c - c, kWidth); ++i) dw_[(o * z_.c + c + i) * 9 + tap] = total[i];
        }
  }

 private:
  static constexpr int kIn = m + 2;
  static constexpr int64_t kPoints = kIn * kIn;
  static constexpr int64_t kStripFloats = 150000;  // of a strip's X and dY, transformed: beside the sums in the cache
  static constexpr int64_t kLeastTiles = 14, kMostTiles = 84;
  static constexpr int64_t kMostGroups = 32, kGroupTiles = 128, kMergeChannels = 4;

  float* partial(int64_t group, std::byte* scratch) const {
    return reinterpret_cast<float*>(scratch + partial_at_) + group * z_.o * 9 * in_lanes_;
  }

  void multiply(int64_t tiles, bool add, float* own) const {
    const Cut rows(z_.o, kTileRows), vectors(in_lanes_ / kWidth, kTileVectors);
    for (int64_t p = 0; p < kPoints; ++p)
      for (int64_t v = 0; v < vectors.blocks; ++v)
        for (int64_t b = 0; b < rows.blocks; ++b) {
          const int64_t o = rows.begin(b), c = vectors.begin(v) * kWidth;
          outer_tile_of(rows.begin(b + 1) - o, vectors.begin(v + 1) - vectors.begin(v))(
              own + dy_at_ + p * out_stride_ + o, out_lanes_, own + p * in_stride_ + c, in_lanes_, tiles,
              own + sums_at_ + p * sums_stride_ + o * in_lanes_ + c, in_lanes_, add);
        }
  }

  // A kernel's nine elements from the sums at its points, for kWidth input channels.
  void reduce(const float* sums, float* to) const {
    Vec t[kIn][3];
    for (int j = 0; j < kIn; ++j) {
      Vec in[kIn];
#pragma GCC unroll 8
      for (int i = 0; i < kIn; ++i) in[i] = load(sums + (i * kIn + j) * sums_stride_);
      Winograd<m>::kernel_gradient(in, t[j]);
    }
    for (int r = 0; r < 3; ++r) {
      Vec in[kIn], w[3];
#pragma GCC unroll 8
      for (int j = 0; j < kIn; ++j) in[j] = t[j][r];
      Winograd<m>::kernel_gradient(in, w);
      for (int s = 0; s < 3; ++s) store(to + (r * 3 + s) * in_lanes_, w[s]);
    }
  }

  ConvShape z_;
  float* dw_;
  int64_t in_lanes_, out_lanes_;
  TileCut cut_;
  TileSource<SourceLine<m>> x_;
  TileSource<GradientLine<m>> dy_;
  int64_t groups_, in_stride_, out_stride_, sums_stride_;
  int64_t dy_at_, sums_at_, own_at_;  // a task's memory, in floats; X's tiles come first
  Workspaces places_;
  size_t partial_at_;
};

}  // namespace
}  // namespace kantor::KANTOR_ISA
