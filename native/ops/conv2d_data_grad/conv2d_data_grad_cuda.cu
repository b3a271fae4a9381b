#include "ops/conv2d_data_grad/conv2d_data_grad.h"

#include "ops/conv2d/conv_device.h"

namespace kantor::cuda {

namespace {

// The elements of a kernel that reach pixels first, first + stride, .. along one axis, and how far from pixel number 0 of
// those the element of dY lies that they take.
struct Reach {
  int64_t element, from;
};
std::vector<Reach> reaching(int64_t first, int64_t kernel, int64_t stride, int64_t padding, int64_t dilation) {
  std::vector<Reach> all;
  for (int64_t i = 0; i < kernel; ++i)
    if (int64_t place = first + padding - i * dilation; place % stride == 0) all.push_back({i, place / stride});
  return all;
}

}  // namespace

void enqueue_conv2d_data_grad(const Node& node, Recorder& r) {
  const ConvShape z = conv_shape(node, node.out[0], node.in[1], node.in[0]);
  auto narrow = [](int64_t n) { return static_cast<int>(n); };
  ConvPlan plan;
  for (int64_t top = 0; top < std::min(z.sh, z.h); ++top)
    for (int64_t left = 0; left < std::min(z.sw, z.w); ++left) {
      const std::vector<Reach> rows = reaching(top, z.r, z.sh, z.ph, z.dh), cols = reaching(left, z.s, z.sw, z.pw, z.dw);
      plan.classes.push_back({narrow(top), narrow(left), narrow((z.h - top + z.sh - 1) / z.sh),
                              narrow((z.w - left + z.sw - 1) / z.sw), narrow(static_cast<int64_t>(plan.taps.size())),
                              narrow(z.o * static_cast<int64_t>(rows.size() * cols.size())), 0});
      for (int64_t o = 0; o < z.o; ++o)
        for (const Reach& i : rows)
          for (const Reach& j : cols)
            plan.taps.push_back({narrow(o), narrow((o * z.c * z.r + i.element) * z.s + j.element), narrow(i.from),
                                 narrow(j.from)});
    }
  ConvArguments g = {};
  g.source = node.in[0].f32(), g.weight = node.in[1].f32();
  g.images = narrow(z.n), g.channels = narrow(z.o), g.h = narrow(z.p), g.w = narrow(z.q);
  g.outputs = narrow(z.c), g.out_w = narrow(z.w);
  g.weight_stride = narrow(z.r * z.s);
  g.step_h = g.step_w = 1;
  g.jump_h = narrow(z.sh), g.jump_w = narrow(z.sw);
  enqueue_convolution(node, g, plan, r);
}

}  // namespace kantor::cuda
