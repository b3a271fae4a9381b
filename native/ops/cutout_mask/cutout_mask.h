// cutout_mask: images of ones with a rectangle of zeros at a place of their own, cut off where it leaves the image
// (DeVries, Taylor 2017; as Zhao et al. 2020 use it).
//
//   out[n][0][y][x] = 0 if top_n <= y < top_n + rows and left_n <= x < left_n + cols, else 1
//   top_n = floor(u[n][0] * (H + 1 - rows mod 2)) - floor(rows / 2),  left_n likewise from u[n][1], W and cols
//
//   in[0]: u [N, 2] in [0, 1)    out[0]: [N, 1, H, W] (overwritten)    attributes: rows, cols of the rectangle
//
// The output does not overlap u. A u outside [0, 1), NaN included, counts as the nearest one inside.
#pragma once
#include "runtime/op.h"

namespace kantor {
void validate_cutout_mask(const Node&);
void reference_cutout_mask(const Node&);
}  // namespace kantor
