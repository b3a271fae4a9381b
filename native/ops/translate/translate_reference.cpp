#include "ops/operands.h"
#include "ops/translate/translate.h"

namespace kantor {

void validate_translate(const Node& node) {
  node.expect_operands(2, 1);
  expect_attributes(node, 3);
  const Tensor &x = node.in[0], &u = node.in[1], &out = node.out[0];
  expect_real(node, x, out.dtype, "x");
  expect_real(node, u, out.dtype, "u");
  if (x.rank != 4) node.reject("x is %s; expected [N, C, H, W]", x.describe().c_str());
  node.expect_shape(u, {x.dims[0], 2}, "u");
  node.expect_shape(out, {x.dims[0], x.dims[1], x.dims[2], x.dims[3]}, "the output");
  const int64_t rows = node.attributes[0], cols = node.attributes[1], sign = node.attributes[2];
  if (rows < 0 || cols < 0 || rows > x.dims[2] || cols > x.dims[3])
    node.reject("images of %lld x %lld move by up to %lld rows and %lld columns; expected from 0 to the image's size",
                static_cast<long long>(x.dims[2]), static_cast<long long>(x.dims[3]), static_cast<long long>(rows),
                static_cast<long long>(cols));
  if (sign != 1 && sign != -1) node.reject("the sign is %lld; expected 1 or -1", static_cast<long long>(sign));
  expect_apart(node, out, x, "the output and x");
  expect_apart(node, out, u, "the output and u");
}

void reference_translate(const Node& node) {
  const Tensor &x = node.in[0], &u = node.in[1], &out = node.out[0];
  const int64_t c = x.dims[1], h = x.dims[2], w = x.dims[3];
  const int64_t rows = node.attributes[0], cols = node.attributes[1], sign = node.attributes[2];
  for (int64_t i = 0; i < out.count(); ++i) {
    const int64_t n = i / (c * h * w);
    const int64_t row = i / w % h - sign * (choose(u.get(2 * n), 2 * rows + 1) - rows);
    const int64_t col = i % w - sign * (choose(u.get(2 * n + 1), 2 * cols + 1) - cols);
    const bool inside = row >= 0 && row < h && col >= 0 && col < w;
    out.set(i, inside ? x.get((i / (h * w) * h + row) * w + col) : 0);
  }
}

}  // namespace kantor
