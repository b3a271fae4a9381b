// What batch_norm and batch_norm_grad call x: [N, C, HW], from [N, C] or [N, C, H, W].
#pragma once
#include <cmath>

#include "runtime/op.h"

namespace kantor {

struct Channels {
  int64_t n, c, hw;

  static Channels of(const Tensor& x) { return {x.dims[0], x.dims[1], x.rank == 4 ? x.dims[2] * x.dims[3] : 1}; }
  int64_t count() const { return n * c * hw; }
};

inline Channels expect_channels(const Node& node, const Tensor& x, const char* role) {
  bool fits = x.rank == 2 || x.rank == 4;
  for (int i = 0; i < x.rank; ++i) fits = fits && x.dims[i] > 0;
  if (!fits) node.reject("%s is %s; expected [N, C] or [N, C, H, W], none empty", role, x.describe().c_str());
  return Channels::of(x);
}

inline void expect_eps(const Node& node, float eps) {
  if (!(eps >= 0) || !std::isfinite(eps))
    node.reject("eps is %g; expected a finite number >= 0", static_cast<double>(eps));
}

}  // namespace kantor
