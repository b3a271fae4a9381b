// translate: each image moved by a whole number of rows and columns of its own; what comes in from outside is 0.
//
//   out[n][c][y][x] = in[0][n][c][y - sign * down_n][x - sign * right_n], 0 outside
//   down_n = floor(u[n][0] * (2 rows + 1)) - rows,  right_n = floor(u[n][1] * (2 cols + 1)) - cols
//
//   in[0]: X [N, C, H, W]    in[1]: u [N, 2] in [0, 1)    out[0]: [N, C, H, W] (overwritten)
//   attributes: rows, cols (the most an image moves, not negative), sign (1 or -1)
//
// The gradient of either sign is the other (Zhao et al. 2020, "Differentiable augmentation for data-efficient GAN
// training"). Output overlaps no input. A u outside [0, 1), NaN included, moves as far as the nearest one inside would.
#pragma once
#include <cmath>

#include "ops/host_device.h"
#include "runtime/op.h"

namespace kantor {
// One of `choices` equally likely numbers 0, 1, ...
KANTOR_HD inline int64_t choose(double u, int64_t choices) {
  const double n = static_cast<double>(choices);
  const double place = floor(u * n);
  return u > 0 ? static_cast<int64_t>(place < n - 1 ? place : n - 1) : 0;
}

void validate_translate(const Node&);
void reference_translate(const Node&);
}  // namespace kantor
