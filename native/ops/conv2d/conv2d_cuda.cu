#include "ops/conv2d/conv2d.h"

#include "ops/conv2d/conv_device.h"

namespace kantor::cuda {

void enqueue_conv2d(const Node& node, Recorder& r) {
  const ConvShape z = conv_shape(node, node.in[0], node.in[1], node.out[0]);
  auto narrow = [](int64_t n) { return static_cast<int>(n); };
  ConvPlan plan;
  for (int64_t c = 0; c < z.c; ++c)
    for (int64_t i = 0; i < z.r; ++i)
      for (int64_t j = 0; j < z.s; ++j)
        plan.taps.push_back({narrow(c), narrow((c * z.r + i) * z.s + j), narrow(i * z.dh - z.ph), narrow(j * z.dw - z.pw)});
  plan.classes = {{0, 0, narrow(z.p), narrow(z.q), 0, narrow(z.c * z.r * z.s), 0}};
  ConvArguments g = {};
  g.source = node.in[0].f32(), g.weight = node.in[1].f32();
  g.images = narrow(z.n), g.channels = narrow(z.c), g.h = narrow(z.h), g.w = narrow(z.w);
  g.outputs = narrow(z.o), g.out_w = narrow(z.q);
  g.weight_stride = narrow(z.c * z.r * z.s);
  g.step_h = narrow(z.sh), g.step_w = narrow(z.sw);
  g.jump_h = g.jump_w = 1;
  enqueue_convolution(node, g, plan, r);
}

}  // namespace kantor::cuda
