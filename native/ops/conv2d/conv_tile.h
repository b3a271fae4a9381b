// Register tiles of the convolutions. Both read a packed source (conv_window.h) in which a tap of the kernel is an
// offset, so that kWidth neighbouring positions are one unaligned load whatever stride, padding and dilation were.
#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "ops/simd.h"

namespace kantor::KANTOR_ISA {
namespace {

// The most channels that a tile takes, of the 32 (AVX-512) or 16 registers. A tile of dot products takes few, for then
// more positions of them stay in the nearest cache, and the sums over lanes at the end are fewer.
#if defined(__AVX512F__)
constexpr int kRegisterCount = 32, kTileChannels = 8;
#else
constexpr int kRegisterCount = 16, kTileChannels = 4;
#endif
constexpr int kDotChannels = 4;
// The widest tile of so many channels: its sums, one operand across and one broadcast stay in registers.
constexpr int tile_width(int channels) { return std::min(8, (kRegisterCount - 1) / (channels + 1)); }

inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
inline int64_t round_up(int64_t a, int64_t b) { return ceil_div(a, b) * b; }

// Copies what map makes of few floats. The places do not overlap.
template <class Map>
inline void copy_run(const float* from, int64_t count, float* to, Map map) {
  if (count < kWidth) {
    store_partial(to, map(load_partial(from, count)), count);
    return;
  }
  for (int64_t k = 0; k + kWidth < count; k += kWidth) store(to + k, map(load(from + k)));
  store(to + count - kWidth, map(load(from + count - kWidth)));
}
inline void copy_run(const float* from, int64_t count, float* to) {
  copy_run(from, count, to, [](Vec x) { return x; });
}

// A range cut into the fewest blocks of at most `most`, as equal as can be.
struct Cut {
  int64_t extent, blocks;
  Cut(int64_t extent, int64_t most) : extent(extent), blocks(ceil_div(extent, most)) {}
  int64_t begin(int64_t block) const { return extent * block / blocks; }
};

// out[i][j] = sum over c, t of weight[c][t][i] * source[c * channel_stride + taps[t] + j], i < MR, j < NR * kWidth,
// added in order. resume: what out holds is the sum's beginning.
using SumTile = void (*)(const float* weight, const float* source, int64_t channels, ptrdiff_t channel_stride,
                         const int64_t* taps, int64_t tap_count, float* out, ptrdiff_t out_stride, bool resume);

template <int MR, int NR>
void sum_tile(const float* weight, const float* source, int64_t channels, ptrdiff_t channel_stride, const int64_t* taps,
              int64_t tap_count, float* out, ptrdiff_t out_stride, bool resume) {
  Vec sum[MR][NR] = {};
  if (resume) {
#pragma GCC unroll 8
    for (int i = 0; i < MR; ++i)
#pragma GCC unroll 8
      for (int j = 0; j < NR; ++j) sum[i][j] = load(out + i * out_stride + j * kWidth);
  }
  for (int64_t c = 0; c < channels; ++c, source += channel_stride) {
    for (int64_t t = 0; t < tap_count; ++t, weight += MR) {
      const float* row = source + taps[t];
      Vec x[NR];
#pragma GCC unroll 8
      for (int j = 0; j < NR; ++j) x[j] = load(row + j * kWidth);
#pragma GCC unroll 8
      for (int i = 0; i < MR; ++i) {
        Vec w = broadcast(weight[i]);
#pragma GCC unroll 8
        for (int j = 0; j < NR; ++j) sum[i][j] = fma(w, x[j], sum[i][j]);
      }
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < MR; ++i)
#pragma GCC unroll 8
    for (int j = 0; j < NR; ++j) store(out + i * out_stride + j * kWidth, sum[i][j]);
}

// Has v in a register: left alone, the compiler loads an operand anew for each of its uses, and loads are what limits
// dot_tile.
[[gnu::always_inline]] inline void hold(Vec& v) {
#if defined(__AVX512F__)
  asm("" : "+v"(v));
#elif defined(__x86_64__)
  asm("" : "+x"(v));
#elif defined(__aarch64__)
  asm("" : "+w"(v));
#else
  static_cast<void>(v);
#endif
}

// The even elements of the run (a, b); their odd ones.
[[gnu::always_inline]] inline Vec even_lanes(Vec a, Vec b) {
  IVec lanes;
  for (int i = 0; i < kWidth; ++i) lanes[i] = 2 * i;
  return __builtin_shuffle(a, b, lanes);
}
[[gnu::always_inline]] inline Vec odd_lanes(Vec a, Vec b) {
  IVec lanes;
  for (int i = 0; i < kWidth; ++i) lanes[i] = 2 * i + 1;
  return __builtin_shuffle(a, b, lanes);
}
// a[0], b[0], a[1], b[1], ...: the first half of them; the second.
[[gnu::always_inline]] inline Vec interleave_low(Vec a, Vec b) {
  IVec lanes;
  for (int i = 0; i < kWidth; ++i) lanes[i] = i / 2 + i % 2 * kWidth;
  return __builtin_shuffle(a, b, lanes);
}
[[gnu::always_inline]] inline Vec interleave_high(Vec a, Vec b) {
  IVec lanes;
  for (int i = 0; i < kWidth; ++i) lanes[i] = (i + kWidth) / 2 + i % 2 * kWidth;
  return __builtin_shuffle(a, b, lanes);
}

// Lane k of the result is the sum of all lanes of v[k], for k < count <= kWidth. Overwrites v.
template <int count>
[[gnu::always_inline]] inline Vec sum_each(Vec* v) {
  int left = count;
#pragma GCC unroll 4
  for (int round = 1; round < kWidth; round *= 2) {
    int pairs = (left + 1) / 2;
#pragma GCC unroll 8
    for (int i = 0; i < pairs; ++i) {
      Vec a = v[2 * i], b = v[std::min(2 * i + 1, left - 1)];
      v[i] = even_lanes(a, b) + odd_lanes(a, b);
    }
    left = pairs;
  }
  return v[0];
}

// out[i * NT + j] = (add: what it held +) sum over k < count of gradient[i * gradient_stride + k] * source[taps[j] +
// k], i < MO, j < NT. count is a multiple of kWidth; the sum is taken in kWidth lanes.
using DotTile = void (*)(const float* gradient, ptrdiff_t gradient_stride, const float* source, const int64_t* taps,
                         int64_t count, float* out, bool add);

template <int MO, int NT>
void dot_tile(const float* gradient, ptrdiff_t gradient_stride, const float* source, const int64_t* taps, int64_t count,
              float* out, bool add) {
  Vec sum[MO * NT] = {};
  const float* row[NT];
#pragma GCC unroll 8
  for (int j = 0; j < NT; ++j) row[j] = source + taps[j];
  for (int64_t k = 0; k < count; k += kWidth) {
    Vec x[NT];
#pragma GCC unroll 8
    for (int j = 0; j < NT; ++j) x[j] = load(row[j] + k);
#pragma GCC unroll 8
    for (int i = 0; i < MO; ++i) {
      Vec dy = load(gradient + i * gradient_stride + k);
      hold(dy);
#pragma GCC unroll 8
      for (int j = 0; j < NT; ++j) sum[i * NT + j] = fma(dy, x[j], sum[i * NT + j]);
    }
  }
  constexpr int kWhole = MO * NT / kWidth, kRest = MO * NT % kWidth;
#pragma GCC unroll 8
  for (int g = 0; g < kWhole; ++g) {
    Vec total = sum_each<kWidth>(sum + g * kWidth);
    store(out + g * kWidth, add ? load(out + g * kWidth) + total : total);
  }
  if constexpr (kRest > 0) {
    Vec total = sum_each<kRest>(sum + kWhole * kWidth);
    float* rest = out + kWhole * kWidth;
    store_partial(rest, add ? load_partial(rest, kRest) + total : total, kRest);
  }
}

// The kernels of a kind, by channels - 1 and width - 1; null where a tile would be too wide.
struct SumTiles {
  using Function = SumTile;
  static constexpr int kChannels = kTileChannels;
  template <int channels, int width>
  static constexpr Function get() {
    return sum_tile<channels, width>;
  }
};
struct DotTiles {
  using Function = DotTile;
  static constexpr int kChannels = kDotChannels;
  template <int channels, int width>
  static constexpr Function get() {
    return dot_tile<channels, width>;
  }
};
template <class Tiles>
using TileTable = std::array<std::array<typename Tiles::Function, 8>, Tiles::kChannels>;

template <class Tiles, size_t... Channel>
constexpr TileTable<Tiles> make_tiles(std::index_sequence<Channel...>) {
  TileTable<Tiles> table{};
  auto fill = [&]<size_t channel, size_t... Width>(std::index_sequence<channel>, std::index_sequence<Width...>) {
    ((table[channel][Width] = Tiles::template get<channel + 1, Width + 1>()), ...);
  };
  (fill(std::index_sequence<Channel>(), std::make_index_sequence<tile_width(Channel + 1)>()), ...);
  return table;
}
template <class Tiles>
typename Tiles::Function tile_of(int64_t channels, int64_t width) {
  static constexpr TileTable<Tiles> table = make_tiles<Tiles>(std::make_index_sequence<Tiles::kChannels>());
  return table[static_cast<size_t>(channels - 1)][static_cast<size_t>(width - 1)];
}

}  // namespace
}  // namespace kantor::KANTOR_ISA
