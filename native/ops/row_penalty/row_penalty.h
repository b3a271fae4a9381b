// row_penalty: the gradient penalty's value and gradient in one pass (Gulrajani et al. 2017, section 4; one-sided:
// section 5 there, and Petzka et al. 2018).
//
//   n_i = || g_i ||_2 over row i, excess e_i = n_i - center (one-sided: max(n_i - center, 0))
//   out[0] (1 element)    = weight * mean_i e_i^2
//   out[1] [rows, cols]   = d out[0] / d g = (2 weight / rows) * e_i / n_i * g_i, and 0 where n_i = 0
//   out[2] [rows]         = n_i
//
//   in[0]: g f32 [rows, cols]    attributes: weight (f32 bits), center (f32 bits), one_sided
//   No epsilon enters the root. out[1] may be in[0] itself. Sums in fixed order.
#pragma once
#include "runtime/op.h"

namespace kantor {
void validate_row_penalty(const Node&);
void reference_row_penalty(const Node&);
}  // namespace kantor
