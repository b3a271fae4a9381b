// The sums of a tile: a pipeline from global memory through shared memory to three ways to multiply.
//
//   fp32: each product and sum is a float32 fma, in the order of the depth
//   tf32: tensor cores; factors are rounded to tf32 (10 bits of mantissa, to the nearest), sums are float32
//   bf16: the same, with factors rounded to bf16 (7 bits)
//
// In shared memory factors are float32 whatever the precision; they are rounded on their way to the tensor cores. The order
// of the sums is fixed in each.
#pragma once
#include "ops/gemm/tile_device.h"
#include "runtime/cuda/ptx.h"

namespace kantor::cuda {

// Whether a warp's loads of a fragment meet no bank of shared memory twice: lane 4 g + t takes the `words` words of 4 bytes
// from g * g_stride + t * t_stride on. (As many lanes are served at once as take 32 words.)
constexpr bool meets_banks_once(int g_stride, int t_stride, int words = 1) {
  for (int first = 0; first < kWarp; first += kWarp / words) {
    uint32_t met = 0;
    for (int lane = first; lane < first + kWarp / words; ++lane)
      for (int w = 0; w < words; ++w) met |= 1u << (lane / 4 * g_stride + lane % 4 * t_stride + w) % 32;
    if (met != ~0u) return false;
  }
  return true;
}

// kStep of the depth of one factor in shared memory: extent rows of A, or columns of B. Where deep, the steps of the depth
// lie side by side, else the rows or columns do.
template <int extent, bool deep, Precision precision>
struct PieceLayout {
  static constexpr int kExtent = extent;
  static constexpr bool kDeep = deep;
  static constexpr bool kWide = deep == (precision == Precision::bf16);
  static constexpr int kStride = (deep ? kStep : extent) + (kWide ? 8 : 4);
  static constexpr int kFloats = deep ? extent * kStride : kStep * kStride;
  __device__ static constexpr int at(int k, int i) { return deep ? i * kStride + k : k * kStride + i; }
  static constexpr int kWords = precision == Precision::bf16 ? 2 : 1;  // of a fragment's, that make one
  static_assert(precision == Precision::fp32 || (deep ? meets_banks_once(kStride, kWords, kWords)
                                                      : meets_banks_once(1, kWords * kStride)));
};

template <class Tile, Precision precision, bool a_deep, bool b_deep>
struct TileProduct {
  using A = PieceLayout<Tile::kRows, a_deep, precision>;
  using B = PieceLayout<Tile::kCols, b_deep, precision>;
  static constexpr int kStageFloats = A::kFloats + B::kFloats;
  static constexpr int kFloats =
      kStages * kStageFloats > Tile::kSumFloats ? kStages * kStageFloats : Tile::kSumFloats;
  static constexpr size_t kSharedBytes = kFloats * sizeof(float);
  static constexpr int kWarpRows = Tile::kWarpRows, kWarpCols = Tile::kWarpCols;

  // How fp32 shares a warp's part out: kRowLanes x kColLanes threads, kOwnRows x kOwnCols elements each.
  static constexpr int kRowLanes = 8, kColLanes = 4;
  static constexpr int kOwnRows = kWarpRows / kRowLanes, kOwnCols = kWarpCols / kColLanes;
  // Which rows (or columns) these are: one here and there where the depth is read in fours, so that neighbours meet other
  // banks; else up to four side by side, which are read at once.
  template <bool deep, int lanes, int count>
  __device__ static constexpr int own(int lane, int i) {
    constexpr int kSide = deep ? 1 : count < 4 ? count : 4;
    return i / kSide * (lanes * kSide) + lane * kSide + i % kSide;
  }

  // Elements first(k) .. of a piece for four steps of the depth.
  template <class Piece, int lanes, int count>
  __device__ static __forceinline__ void load_own(const float* piece, int first, int lane, int k, float (&to)[count][4]) {
#pragma unroll
    for (int i = 0; i < count; ++i) {
      if constexpr (Piece::kDeep) {
        float4 four = load4(piece + Piece::at(k, first + own<true, lanes, count>(lane, i)));
        to[i][0] = four.x, to[i][1] = four.y, to[i][2] = four.z, to[i][3] = four.w;
      } else if constexpr (count % 4 == 0) {
        if (i % 4 == 0)
#pragma unroll
          for (int s = 0; s < 4; ++s) {
            float4 four = load4(piece + Piece::at(k + s, first + own<false, lanes, count>(lane, i)));
            to[i][s] = four.x, to[i + 1][s] = four.y, to[i + 2][s] = four.z, to[i + 3][s] = four.w;
          }
      } else {
#pragma unroll
        for (int s = 0; s < 4; ++s) to[i][s] = piece[Piece::at(k + s, first + own<false, lanes, count>(lane, i))];
      }
    }
  }

  struct Exact {
    float c[kOwnRows][kOwnCols] = {};

    __device__ __forceinline__ void add(const float* a, const float* b, int row, int col, int lane) {
#pragma unroll
      for (int k = 0; k < kStep; k += 4) {
        float rows[kOwnRows][4], cols[kOwnCols][4];
        load_own<A, kRowLanes>(a, row, lane / kColLanes, k, rows);
        load_own<B, kColLanes>(b, col, lane % kColLanes, k, cols);
#pragma unroll
        for (int s = 0; s < 4; ++s)
#pragma unroll
          for (int i = 0; i < kOwnRows; ++i)
#pragma unroll
            for (int j = 0; j < kOwnCols; ++j) c[i][j] = fmaf(rows[i][s], cols[j][s], c[i][j]);
      }
    }
    __device__ __forceinline__ void store(float* sums, int row, int col, int lane) const {
#pragma unroll
      for (int i = 0; i < kOwnRows; ++i)
#pragma unroll
        for (int j = 0; j < kOwnCols; ++j)
          sums[(row + own<a_deep, kRowLanes, kOwnRows>(lane / kColLanes, i)) * Tile::kSumStride + col +
               own<b_deep, kColLanes, kOwnCols>(lane % kColLanes, j)] = c[i][j];
    }
  };

  // Fragments as ptx.h describes them.
  struct TensorCores {
    static constexpr int kRowTiles = kWarpRows / 16, kColTiles = kWarpCols / 8;
    static constexpr int kDepth = precision == Precision::bf16 ? 16 : 8;
    float c[kRowTiles][kColTiles][4] = {};

    // The word of a fragment that begins with step k of row or column i.
    template <class Piece>
    __device__ static __forceinline__ uint32_t word(const float* piece, int k, int i) {
      if constexpr (precision == Precision::bf16)
        return to_bf16(piece[Piece::at(k, i)], piece[Piece::at(k + 1, i)]);
      else
        return to_tf32(piece[Piece::at(k, i)]);
    }

    __device__ __forceinline__ void add(const float* a, const float* b, int row, int col, int lane) {
      constexpr int kHalf = kDepth / 2;
      int g = lane / 4, t = lane % 4 * (kDepth / 8);
#pragma unroll
      for (int k = 0; k < kStep; k += kDepth) {
        uint32_t cols[kColTiles][2];
#pragma unroll
        for (int n = 0; n < kColTiles; ++n)
#pragma unroll
          for (int i = 0; i < 2; ++i) cols[n][i] = word<B>(b, k + t + i * kHalf, col + n * 8 + g);
#pragma unroll
        for (int m = 0; m < kRowTiles; ++m) {
          uint32_t rows[4];
#pragma unroll
          for (int i = 0; i < 4; ++i) rows[i] = word<A>(a, k + t + i / 2 * kHalf, row + m * 16 + g + i % 2 * 8);
#pragma unroll
          for (int n = 0; n < kColTiles; ++n) {
            if constexpr (precision == Precision::bf16)
              mma_bf16(c[m][n], rows, cols[n]);
            else
              mma_tf32(c[m][n], rows, cols[n]);
          }
        }
      }
    }
    __device__ __forceinline__ void store(float* sums, int row, int col, int lane) const {
#pragma unroll
      for (int m = 0; m < kRowTiles; ++m)
#pragma unroll
        for (int n = 0; n < kColTiles; ++n)
#pragma unroll
          for (int i = 0; i < 4; ++i)
            sums[(row + m * 16 + lane / 4 + i / 2 * 8) * Tile::kSumStride + col + n * 8 + lane % 4 * 2 + i % 2] = c[m][n][i];
    }
  };

  // The tile's sums over [first, last) of the depth, to shared.memory. load(k, a, b) begins to bring the pieces of both
  // factors from depth k on to a and b; store(a, b) writes what it holds back in registers. live_rows and live_cols: of the
  // tile, that are wanted.
  template <class Load, class Store>
  __device__ static __forceinline__ void run(int first, int last, int live_rows, int live_cols, const TileShared& shared,
                                             const Load& load, const Store& store) {
    constexpr int kWarpsAcross = Tile::kCols / kWarpCols;
    int warp = static_cast<int>(threadIdx.x) / kWarp, lane = static_cast<int>(threadIdx.x) % kWarp;
    int row = warp / kWarpsAcross * kWarpRows, col = warp % kWarpsAcross * kWarpCols;
    bool outside = row >= live_rows || col >= live_cols;
    auto a_of = [&](int step) { return shared.memory + step % kStages * kStageFloats; };
    auto b_of = [&](int step) { return a_of(step) + A::kFloats; };
    std::conditional_t<precision == Precision::fp32, Exact, TensorCores> sums;
    int steps = (last - first + kStep - 1) / kStep;
    for (int s = 0; s < kStages - 1; ++s) {
      if (s < steps) {
        load(first + s * kStep, a_of(s), b_of(s));
        store(a_of(s), b_of(s));
      }
      commit_copies();
    }
    for (int s = 0; s < steps; ++s) {
      wait_copies<kStages - 2>();
      __syncthreads();  // step s is there, for all; its predecessor's place is free
      int next = s + kStages - 1;
      if (next < steps) load(first + next * kStep, a_of(next), b_of(next));
      commit_copies();
      if (!outside) sums.add(a_of(s), b_of(s), row, col, lane);
      if (next < steps) store(a_of(next), b_of(next));
    }
    wait_copies<0>();
    __syncthreads();
    sums.store(shared.memory, row, col, lane);
    __syncthreads();
  }
};

// So many floats (4, 2 or 1) to tf32.
template <int floats>
__device__ __forceinline__ void round_in_place(float* at) {
  auto rounded = [](float x) { return __uint_as_float(to_tf32(x)); };
  if constexpr (floats == 4) {
    float4 x = load4(at);
    store4(at, {rounded(x.x), rounded(x.y), rounded(x.z), rounded(x.w)});
  } else {
#pragma unroll
    for (int i = 0; i < floats; ++i) at[i] = rounded(at[i]);
  }
}

// Calls body(std::integral_constant<Precision, ..>).
template <class Body>
void with_precision(Precision precision, const Body& body) {
  switch (precision) {
    case Precision::fp32: return body(std::integral_constant<Precision, Precision::fp32>{});
    case Precision::tf32: return body(std::integral_constant<Precision, Precision::tf32>{});
    case Precision::bf16: return body(std::integral_constant<Precision, Precision::bf16>{});
  }
}

}  // namespace kantor::cuda
