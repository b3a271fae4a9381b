#include "ops/conv2d/conv_direct.h"
#include "ops/conv2d/conv_method.h"
#include "ops/conv2d/winograd.h"

namespace kantor::KANTOR_ISA {
namespace {

WinogradProblem winograd_problem(const ConvShape& z, const ConvSource& source, const Node& node) {
  return {source, node.in[1].f32(), z.n, z.c, z.h, z.w, z.o, z.p, z.q, -z.ph, -z.pw, z.c * 9, 9, false};
}

}  // namespace

void prepare_conv2d_by(ConvMethod method, const Node& node, Plan& plan) {
  const ConvShape z = conv_shape(node, node.in[0], node.in[1], node.out[0]);
  const ConvPrograms programs = ConvPrograms::decode(node);
  const ConvSource source(node, 0, programs.prologue);
  switch (method) {
    case ConvMethod::direct:
      return plan_direct({conv2d_sums(z), source, node.in[1].f32()}, programs, node, plan);
    case ConvMethod::winograd2: return plan_winograd<2>(winograd_problem(z, source, node), programs, node, plan);
    case ConvMethod::winograd4: return plan_winograd<4>(winograd_problem(z, source, node), programs, node, plan);
  }
}

void prepare_conv2d(const Node& node, Plan& plan) {
  prepare_conv2d_by(conv_method(conv_shape(node, node.in[0], node.in[1], node.out[0])), node, plan);
}

}  // namespace kantor::KANTOR_ISA
