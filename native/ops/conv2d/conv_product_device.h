// The products that conv2d and conv2d_data_grad are, of a shape.
#pragma once
#include "ops/conv2d/conv_patch_plan.h"

namespace kantor::cuda {

struct ConvProduct {
  ConvArguments arguments;  // but for the tensors
  ConvPlan plan;
};

inline ConvProduct forward_product(const ConvShape& z) {
  auto narrow = [](int64_t n) { return static_cast<int>(n); };
  ConvPlan plan;
  for (int64_t c = 0; c < z.c; ++c)
    for (int64_t i = 0; i < z.r; ++i)
      for (int64_t j = 0; j < z.s; ++j)
        plan.taps.push_back({narrow(c), narrow((c * z.r + i) * z.s + j), narrow(i * z.dh - z.ph), narrow(j * z.dw - z.pw)});
  plan.classes = {{0, 0, narrow(z.p), narrow(z.q), 0, narrow(z.c * z.r * z.s), 0}};
  ConvArguments g = {};
  g.images = narrow(z.n), g.channels = narrow(z.c), g.h = narrow(z.h), g.w = narrow(z.w);
  g.outputs = narrow(z.o), g.out_w = narrow(z.q);
  g.weight_stride = narrow(z.c * z.r * z.s);
  g.step_h = narrow(z.sh), g.step_w = narrow(z.sw);
  g.jump_h = g.jump_w = 1;
  return {g, plan};
}

// The elements of a kernel that reach pixels first, first + stride, .. along one axis, and how far from pixel number 0 of
// those the element of dY lies that they take.
struct Reach {
  int64_t element, from;
};
inline std::vector<Reach> reaching(int64_t first, int64_t kernel, int64_t stride, int64_t padding, int64_t dilation) {
  std::vector<Reach> all;
  for (int64_t i = 0; i < kernel; ++i)
    if (int64_t place = first + padding - i * dilation; place % stride == 0) all.push_back({i, place / stride});
  return all;
}

inline ConvProduct data_grad_product(const ConvShape& z) {
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
  g.images = narrow(z.n), g.channels = narrow(z.o), g.h = narrow(z.p), g.w = narrow(z.q);
  g.outputs = narrow(z.c), g.out_w = narrow(z.w);
  g.weight_stride = narrow(z.r * z.s);
  g.step_h = g.step_w = 1;
  g.jump_h = narrow(z.sh), g.jump_w = narrow(z.sw);
  return {g, plan};
}

// By the kernel and with the tiles that suit it.
template <class Table, class Prologue>
void enqueue_product(const ConvArguments& g, const ConvPlan& plan, Precision precision, const Prologue& prologue,
                     const Table& epilogue, Recorder& r) {
  // (A program that needs the large table is too rare to have a kernel of its own for these.)
  if constexpr (std::is_same_v<Table, SmallPw>) {
    if constexpr (std::is_same_v<Prologue, NoPrologue>)
      if (PatchPlan patches(g, plan); patches.suits) return enqueue_patches(patches, precision, epilogue, r);
    int64_t pixels = 0, large = 0;
    for (const PixelClass& c : plan.classes) {
      pixels += int64_t{g.images} * c.rows * c.cols;
      large += (int64_t{g.images} * c.rows * c.cols + LargeTile::kCols - 1) / LargeTile::kCols;
    }
    if (g.outputs > SmallTile::kRows && large * ceil_div(g.outputs, LargeTile::kRows) >= TileParts::kEnough)
      return enqueue_convolution<LargeTile>(g, plan, precision, prologue, epilogue, r);
    if (g.outputs <= FlatTile::kRows && pixels >= int64_t{TileParts::kEnough} * FlatTile::kCols)
      return enqueue_convolution<FlatTile>(g, plan, precision, prologue, epilogue, r);
  }
  enqueue_convolution<SmallTile>(g, plan, precision, prologue, epilogue, r);
}

// A node of conv2d or conv2d_data_grad.
inline void enqueue_convolution(const Node& node, ConvProduct product, Recorder& r) {
  for (const Tensor& t : {node.in[0], node.in[1], node.out[0]}) extent(node, t.count());
  product.arguments.source = node.in[0].f32(), product.arguments.weight = node.in[1].f32();
  const ConvPrograms programs = ConvPrograms::decode(node);
  with_table(node, programs.epilogue, programs.epilogue_in, 0, [&](const auto& epilogue) {
    auto enqueue = [&](const auto& prologue) {
      enqueue_product(product.arguments, product.plan, node.precision, prologue, epilogue, r);
    };
    programs.prologue.result >= 0 ? enqueue(DevicePrologue::of(node, programs.prologue, r)) : enqueue(NoPrologue{});
  });
}

}  // namespace kantor::cuda
