// conv2d and conv2d_data_grad as one product of matrices whose second factor is gathered while it is read.
//
// The rows are the output's channels, the columns its pixels, of all images, and the depth is a source channel times a
// tap, an element of the kernel. A table (Tap) says for each step of the depth which weight and which source element it
// takes: nothing of a kernel's size, stride, padding or dilation is left for the inner loop.
//
// The pixels of a gradient with strides are of SH * SW classes: those of one are reached by the same elements of the
// kernel, so that each class is a product of its own, of the taps that reach it alone. conv2d has one class.
#pragma once
#include "ops/conv2d/conv_source_device.h"
#include "ops/gemm/tile_product_device.h"

namespace kantor::cuda {

struct alignas(16) Tap {
  int channel, weight, down, right;  // source channel; which weight of an output channel; rows and columns from a pixel's
};

struct PixelClass {
  int top, left;      // its first pixel
  int rows, cols;     // how many
  int taps, depth;    // the first of its taps, how many
  int tile;           // its first tile
};

struct ConvArguments {
  const float *source, *weight;
  const Tap* taps;
  const PixelClass* classes;
  int class_count;
  int images, channels, h, w;  // of the source
  int outputs, out_w;          // channels, and columns of a plane
  int weight_stride;           // from one output channel to the next
  int step_h, step_w;          // of the source, from one pixel of a class to the next
  int jump_h, jump_w;          // of the output
  int tile_rows;               // tiles of a column of tiles
  TileParts parts;
};

// A pixel of a class by its number.
struct Pixel {
  int image, row, col;
  bool live;

  __device__ Pixel(const PixelClass& of, int images, int index)
      : image(index / (of.rows * of.cols)), row(index / of.cols % of.rows), col(index % of.cols), live(image < images) {}
};

template <class Tile, Precision precision, class Table, class Prologue>
__device__ __forceinline__ void convolve(const ConvArguments& g, const Prologue& prologue, const Table& epilogue,
                                         unsigned block, const TileShared& shared) {
  using Product = TileProduct<Tile, precision, true, false>;
  constexpr int kThreads = Tile::kThreads, kLines = kThreads / kStep, kDeep = kThreads / Tile::kCols;
  constexpr int kWeights = Tile::kRows / kLines, kPixels = kStep / kDeep;  // of a thread
  static_assert(kThreads % Tile::kCols == 0 && Tile::kRows % kLines == 0 && kStep % kDeep == 0);
  int part = static_cast<int>(block) % g.parts.parts, tile = static_cast<int>(block) / g.parts.parts, own_class = 0;
  while (own_class + 1 < g.class_count && g.classes[own_class + 1].tile <= tile) ++own_class;
  const PixelClass of = g.classes[own_class];
  int first_output = (tile - of.tile) % g.tile_rows * Tile::kRows;
  int first_pixel = (tile - of.tile) / g.tile_rows * Tile::kCols;
  const Tap* taps = g.taps + of.taps;
  int first = part * g.parts.steps * kStep, last = min(of.depth, first + g.parts.steps * kStep);

  // Neighbouring threads load neighbouring pixels, and neighbouring weights: a thread's pixel stays the same.
  int t = static_cast<int>(threadIdx.x), own_col = t % Tile::kCols;
  Pixel pixel(of, g.images, first_pixel + own_col);
  int top = pixel.row * g.step_h, left = pixel.col * g.step_w, plane = g.h * g.w;
  const float* image = g.source + static_cast<int64_t>(pixel.live ? pixel.image : 0) * g.channels * plane;
  SourceElements<kPixels, Prologue> elements;
  auto deep = [&](int v) { return v * kDeep + t / Tile::kCols; };
  Product::run(
      first, last, g.outputs - first_output, g.images * of.rows * of.cols - first_pixel, shared,
      [&](int k, float* a, float* b) {
        int own_k = k + t % kStep;
        int weight = own_k < last ? taps[own_k].weight : 0;
#pragma unroll
        for (int v = 0; v < kWeights; ++v) {
          int line = v * kLines + t / kStep, output = first_output + line;
          bool live = own_k < last && output < g.outputs;
          copy_async<4>(a + Product::A::at(t % kStep, line), live ? g.weight + output * g.weight_stride + weight : g.weight,
                        live ? sizeof(float) : 0);
        }
#pragma unroll
        for (int v = 0; v < kPixels; ++v) {
          int step = k + deep(v);
          bool inside = step < last && pixel.live;
          Tap tap = inside ? taps[step] : Tap{};
          int row = top + tap.down, col = left + tap.right;
          inside = inside && row >= 0 && row < g.h && col >= 0 && col < g.w;
          elements.load(v, image, tap.channel * plane + row * g.w + col,
                        {pixel.image * g.channels + tap.channel, row * g.w + col, inside},
                        b + Product::B::at(deep(v), own_col));
        }
      },
      [&](float*, float* b) {
        elements.store(prologue, [&](int v) { return b + Product::B::at(deep(v), own_col); });
      });
  // (Its sums are of that pixel too.)
  int at = (of.top + pixel.row * g.jump_h) * g.out_w + of.left + pixel.col * g.jump_w;
  finish<Tile>(g.parts, epilogue, tile, part, shared, [&](int row, int) {
    int output = first_output + row;
    return PwElement{pixel.image * g.outputs + output, at, output < g.outputs && pixel.live};
  });
}

template <class Tile, Precision precision, class Table, class Prologue>
__global__ void __launch_bounds__(Tile::kThreads, 1)
    convolution_kernel(const int64_t* guard, ConvArguments g, Prologue prologue, Table epilogue) {
  KANTOR_DYNAMIC_SHARED(float, memory);
  KANTOR_SHARED(bool, flag);
  if (starts(guard)) convolve<Tile, precision>(g, prologue, epilogue, blockIdx.x, {memory, flag});
}

// On the host: the classes with their taps. A class's tile is set when the tiles are chosen.
struct ConvPlan {
  std::vector<Tap> taps;
  std::vector<PixelClass> classes;
};

template <class Tile, class Table, class Prologue>
void enqueue_convolution(ConvArguments g, ConvPlan plan, Precision precision, const Prologue& prologue,
                         const Table& epilogue, Recorder& r) {
  g.tile_rows = ceil_div(g.outputs, Tile::kRows);
  int tiles = 0, depth = 0;
  for (PixelClass& c : plan.classes) {
    c.tile = tiles;
    tiles += g.tile_rows * ceil_div(g.images * c.rows * c.cols, Tile::kCols);
    depth = std::max(depth, c.depth);
  }
  g.parts = TileParts::of<Tile>(tiles, depth, r);
  g.taps = r.constants(plan.taps);
  g.classes = r.constants(plan.classes);
  g.class_count = static_cast<int>(plan.classes.size());
  with_precision(precision, [&](auto chosen) {
    r.launch(convolution_kernel<Tile, chosen.value, Table, Prologue>,
             {static_cast<unsigned>(tiles * g.parts.parts), Tile::kThreads,
              TileProduct<Tile, chosen.value, true, false>::kSharedBytes},
             g, prologue, epilogue);
  });
}

}  // namespace kantor::cuda
