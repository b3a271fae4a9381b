// conv2d and conv2d_data_grad as one kind of sum.
//
// The gradient of a strided convolution is one sum for each place (row, col) of an output element modulo the stride: each
// has the taps that reach it, and all read dY at the same positions. An output thus consists of parts, interleaved.
#pragma once
#include <algorithm>
#include <vector>

#include "ops/conv2d/conv2d.h"

namespace kantor {

struct Tap {
  int64_t down, right;
};
struct SumTap {
  Tap place;
  int64_t weight;  // which of a kernel's elements
};
struct SumPart {
  int64_t row, col;  // the first output element
  std::vector<SumTap> taps;
};

// out[n][o][p * up_rows + part.row][q * up_cols + part.col] =
//   sum over c, t of weight[o * weight_out + c * weight_in + t.weight] * source[n][c][p * step_rows + t.down][q * step_cols
//   + t.right], 0 outside the source
struct ConvSums {
  int64_t images, in_channels, in_rows, in_cols, out_channels, out_rows, out_cols;
  int64_t step_rows, step_cols, up_rows, up_cols;
  int64_t weight_out, weight_in;
  std::vector<SumPart> parts;
};

inline ConvSums conv2d_sums(const ConvShape& z) {
  SumPart part = {0, 0, {}};
  for (int64_t r = 0; r < z.r; ++r)
    for (int64_t s = 0; s < z.s; ++s) part.taps.push_back({{r * z.dh - z.ph, s * z.dw - z.pw}, r * z.s + s});
  return {z.n, z.c, z.h, z.w, z.o, z.p, z.q, z.sh, z.sw, 1, 1, z.c * z.r * z.s, z.r * z.s, {part}};
}

// Row h = p * SH + a of dX takes dY's row p + (a + PH - r * DH) / SH for each r for which that is whole; columns
// likewise.
inline ConvSums conv2d_data_grad_sums(const ConvShape& z) {
  ConvSums sums = {z.n, z.o, z.p, z.q, z.c, z.h, z.w, 1, 1, z.sh, z.sw, z.r * z.s, z.c * z.r * z.s, {}};
  for (int64_t a = 0; a < std::min(z.sh, z.h); ++a)
    for (int64_t b = 0; b < std::min(z.sw, z.w); ++b) {
      SumPart part = {a, b, {}};
      for (int64_t r = 0; r < z.r; ++r)
        for (int64_t s = 0; s < z.s; ++s) {
          const int64_t down = a + z.ph - r * z.dh, right = b + z.pw - s * z.dw;
          if (down % z.sh == 0 && right % z.sw == 0) part.taps.push_back({{down / z.sh, right / z.sw}, r * z.s + s});
        }
      sums.parts.push_back(std::move(part));
    }
  return sums;
}

}  // namespace kantor
