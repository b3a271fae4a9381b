#include "ops/conv2d/conv_direct.h"
#include "ops/conv2d/conv_method.h"
#include "ops/conv2d/winograd.h"
#include "ops/conv2d_data_grad/conv2d_data_grad.h"

namespace kantor::KANTOR_ISA {
namespace {

// Row h of dX takes dY's rows h + PH - r: the forward sum with the kernel turned around and the channels exchanged.
WinogradProblem winograd_problem(const ConvShape& z, const ConvSource& source, const Node& node) {
  return {source, node.in[1].f32(), z.n, z.o, z.p, z.q, z.c, z.h, z.w, z.ph - 2, z.pw - 2, 9, z.c * 9,
          true};
}

// Row h = p * SH + a of dX takes dY's row p + (a + PH - r * DH) / SH for each r for which that is whole; columns
// likewise.
DirectProblem direct_problem(const ConvShape& z, const ConvSource& source, const Node& node) {
  DirectProblem problem = {source, node.in[1].f32(), z.n, z.o, z.p, z.q, z.c, z.h, z.w, 1, 1, z.sh,
                           z.sw, z.r * z.s, z.c * z.r * z.s, {}};
  for (int64_t a = 0; a < std::min(z.sh, z.h); ++a)
    for (int64_t b = 0; b < std::min(z.sw, z.w); ++b) {
      DirectPart part = {a, b, {}};
      for (int64_t r = 0; r < z.r; ++r)
        for (int64_t s = 0; s < z.s; ++s) {
          int64_t down = a + z.ph - r * z.dh, right = b + z.pw - s * z.dw;
          if (down % z.sh == 0 && right % z.sw == 0) part.taps.push_back({{down / z.sh, right / z.sw}, r * z.s + s});
        }
      problem.parts.push_back(std::move(part));
    }
  return problem;
}

}  // namespace

void prepare_conv2d_data_grad_by(ConvMethod method, const Node& node, Plan& plan) {
  const ConvShape z = conv_shape(node, node.out[0], node.in[1], node.in[0]);
  const ConvPrograms programs = ConvPrograms::decode(node);
  const ConvSource source(node, 0, programs.prologue);
  switch (method) {
    case ConvMethod::direct: return plan_direct(direct_problem(z, source, node), programs, node, plan);
    case ConvMethod::winograd2: return plan_winograd<2>(winograd_problem(z, source, node), programs, node, plan);
    case ConvMethod::winograd4: return plan_winograd<4>(winograd_problem(z, source, node), programs, node, plan);
  }
}

void prepare_conv2d_data_grad(const Node& node, Plan& plan) {
  prepare_conv2d_data_grad_by(conv_method(conv_shape(node, node.out[0], node.in[1], node.in[0])), node, plan);
}

}  // namespace kantor::KANTOR_ISA
