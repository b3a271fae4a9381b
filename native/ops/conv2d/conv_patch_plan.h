// The host's side of conv_patch_device.h: which products it is for, and how they are cut.
#pragma once
#include "ops/conv2d/conv_patch_device.h"

namespace kantor::cuda {

struct PatchPlan {
  PatchArguments arguments;
  std::vector<PatchTap> taps;
  std::vector<PatchClass> classes;
  bool suits = false;  // else the implicit product is for it

  PatchPlan(const ConvArguments& g, const ConvPlan& plan) : arguments{} {
    arguments.conv = g;
    if (g.channels < kPatchChannels || g.step_h != 1 || g.step_w != 1) return;
    int left = 0, width = g.w, most_taps = 0;
    for (const PixelClass& of : plan.classes) {
      const int depth = of.depth / g.channels;
      most_taps = std::max(most_taps, depth);
      for (int t = 0; t < depth; ++t) {
        int right = plan.taps[static_cast<size_t>(of.taps + t)].right;
        left = std::max(left, -right), width = std::max(width, of.cols + right);
      }
    }
    if (most_taps < 2 || most_taps > kPatchTaps) return;
    PatchArguments& a = arguments;
    a.lead = ceil_div(left, 4) * 4, a.pitch = a.lead + ceil_div(width, 4) * 4;
    for (const PixelClass& of : plan.classes) add_class(of, plan);
    if (lines_ * a.pitch > kPatchFloats) return;
    a.piece = g.w % 4 == 0 && aligned(g.source, 16) ? 4 : g.w % 2 == 0 && aligned(g.source, 8) ? 2 : 1;
    a.weights_in_fours = plan.classes.size() == 1 && most_taps == kPatchTaps && a.channel_weights == kPatchTaps &&
                         (g.weight_stride % 4 == 0 || g.outputs == 1) && aligned(g.weight, 16);
    suits = true;
  }

 private:
  int lines_ = 0;  // of the largest patch

  static bool aligned(const float* at, size_t bytes) { return reinterpret_cast<uintptr_t>(at) % bytes == 0; }

  void add_class(const PixelClass& of, const ConvPlan& plan) {
    PatchArguments& a = arguments;
    PatchClass c = {of, of.rows, 0, 0};
    c.pixels.taps = static_cast<int>(taps.size()), c.pixels.depth = of.depth / a.conv.channels;
    if (c.pixels.depth > 0) {
      const Tap* first = &plan.taps[static_cast<size_t>(of.taps)];
      auto [highest, lowest] = std::minmax_element(first, first + c.pixels.depth,
                                                   [](const Tap& x, const Tap& y) { return x.down < y.down; });
      c.down = highest->down, c.reach = lowest->down - highest->down, c.lines += c.reach;
      a.channel_weights = first[c.pixels.depth].weight - first->weight;
      for (int t = 0; t < c.pixels.depth; ++t)
        taps.push_back({(first[t].down - c.down) * a.pitch + first[t].right, first[t].weight});
    }
    const int plane = of.rows * of.cols, pixels = a.conv.images * plane;
    auto line_of = [&](int pixel) { return pixel / plane * c.lines + pixel % plane / of.cols; };
    for (int first = 0; first < pixels; first += kPatchPixels)
      lines_ = std::max(lines_, line_of(std::min(pixels, first + kPatchPixels) - 1) - line_of(first) + 1 + c.reach);
    classes.push_back(c);
  }
};

template <class Tile, class Table>
void enqueue_patches(PatchPlan plan, Precision precision, const Table& epilogue, Recorder& r) {
  PatchArguments& a = plan.arguments;
  a.conv.tile_rows = ceil_div(a.conv.outputs, Tile::kRows);
  int tiles = 0, steps = ceil_div(a.conv.channels, kPatchChannels);
  for (PatchClass& c : plan.classes) {
    c.pixels.tile = tiles;
    tiles += a.conv.tile_rows * ceil_div(a.conv.images * c.pixels.rows * c.pixels.cols, Tile::kCols);
  }
  a.conv.parts = TileParts::of_steps<Tile>(tiles, steps, std::min(TileParts::kBlocks / tiles, steps), r);
  a.taps = r.constants(plan.taps);
  a.classes = r.constants(plan.classes);
  a.conv.class_count = static_cast<int>(plan.classes.size());
  with_precision(precision, [&](auto chosen) {
    r.launch(patch_kernel<Tile, chosen.value, Table>,
             {static_cast<unsigned>(tiles * a.conv.parts.parts), Tile::kThreads,
              PatchProduct<Tile, chosen.value>::kSharedBytes},
             a, epilogue);
  });
}

template <class Table>
void enqueue_patches(const PatchPlan& plan, Precision precision, const Table& epilogue, Recorder& r) {
  if (plan.arguments.conv.outputs <= PatchTile16::kRows)
    enqueue_patches<PatchTile16>(plan, precision, epilogue, r);
  else if (plan.arguments.conv.outputs <= PatchTile32::kRows)
    enqueue_patches<PatchTile32>(plan, precision, epilogue, r);
  else
    enqueue_patches<PatchTile64>(plan, precision, epilogue, r);
}

}  // namespace kantor::cuda
