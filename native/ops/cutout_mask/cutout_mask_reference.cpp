#include "ops/cutout_mask/cutout_mask.h"

#include "ops/operands.h"
#include "ops/translate/translate.h"

namespace kantor {

void validate_cutout_mask(const Node& node) {
  node.expect_operands(1, 1);
  expect_attributes(node, 2);
  const Tensor &u = node.in[0], &out = node.out[0];
  expect_real(node, u, out.dtype, "u");
  if (out.rank != 4 || out.dims[1] != 1) node.reject("the output is %s; expected [N, 1, H, W]", out.describe().c_str());
  node.expect_shape(u, {out.dims[0], 2}, "u");
  const int64_t rows = node.attributes[0], cols = node.attributes[1];
  if (rows < 0 || cols < 0 || rows > out.dims[2] || cols > out.dims[3])
    node.reject("the rectangle is %lld x %lld; expected at most %lld x %lld", static_cast<long long>(rows),
                static_cast<long long>(cols), static_cast<long long>(out.dims[2]), static_cast<long long>(out.dims[3]));
  expect_apart(node, out, u, "the output and u");
}

void reference_cutout_mask(const Node& node) {
  const Tensor &u = node.in[0], &out = node.out[0];
  const int64_t h = out.dims[2], w = out.dims[3], rows = node.attributes[0], cols = node.attributes[1];
  for (int64_t i = 0; i < out.count(); ++i) {
    const int64_t n = i / (h * w);
    const int64_t y = i / w % h - (choose(u.get(2 * n), h + 1 - rows % 2) - rows / 2);
    const int64_t x = i % w - (choose(u.get(2 * n + 1), w + 1 - cols % 2) - cols / 2);
    out.set(i, y >= 0 && y < rows && x >= 0 && x < cols ? 0 : 1);
  }
}

}  // namespace kantor
