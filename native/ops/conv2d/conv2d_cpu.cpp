#include "ops/conv2d/conv_direct.h"

namespace kantor::KANTOR_ISA {

void prepare_conv2d(const Node& node, Plan& plan) {
  ConvShape z = conv_shape(node, node.in[0], node.in[1], node.out[0]);
  DirectPart part = {0, 0, {}};
  for (int64_t r = 0; r < z.r; ++r)
    for (int64_t s = 0; s < z.s; ++s) part.taps.push_back({{r * z.dh - z.ph, s * z.dw - z.pw}, r * z.s + s});
  const ConvPrograms programs = ConvPrograms::decode(node);
  plan_direct({ConvSource(node, 0, programs.prologue),
               node.in[1].f32(),
               z.n,
               z.c,
               z.h,
               z.w,
               z.o,
               z.p,
               z.q,
               z.sh,
               z.sw,
               1,
               1,
               z.c * z.r * z.s,
               z.r * z.s,
               {part}},
              programs, node, plan);
}

}  // namespace kantor::KANTOR_ISA
