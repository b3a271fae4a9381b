// dW as a product of matrices whose factors are gathered while they are read: its rows are the output's channels, its
// columns the elements of the kernel of each input channel, and the depth is the pixels of all images' dY.
#include "ops/conv2d_weight_grad/conv2d_weight_grad.h"

#include "ops/conv2d/conv_source_device.h"
#include "ops/conv2d_weight_grad/weight_grad_patch_device.h"
#include "ops/gemm/tile_product_device.h"

namespace kantor::cuda {

namespace {

struct WeightGradArguments {
  const float *dy, *x;
  int n, c, h, w, o, r, s, p, q;
  int sh, sw, ph, pw, dh, dw;
  int tile_cols;
  TileParts parts;

  __device__ int cols() const { return c * r * s; }
  __device__ int depth() const { return n * p * q; }
};

template <class Tile, Precision precision, class Prologue>
__device__ __forceinline__ void weight_grad(const WeightGradArguments& g, const Prologue& of_dy, const Prologue& of_x,
                                            const SmallPw& epilogue, unsigned block, const TileShared& shared) {
  using Product = TileProduct<Tile, precision, true, true>;
  constexpr int kLines = Tile::kThreads / kStep, kRows = Tile::kRows / kLines, kCols = Tile::kCols / kLines;
  static_assert(kRows * kLines == Tile::kRows && kCols * kLines == Tile::kCols);
  int part = static_cast<int>(block) % g.parts.parts, tile = static_cast<int>(block) / g.parts.parts;
  int first_row = tile / g.tile_cols * Tile::kRows, first_col = tile % g.tile_cols * Tile::kCols;
  int first = part * g.parts.steps * kStep, last = min(g.depth(), first + g.parts.steps * kStep);

  // Neighbouring threads load neighbouring pixels, those of the same step of the depth for each row and column.
  int own_k = static_cast<int>(threadIdx.x) % kStep, line = static_cast<int>(threadIdx.x) / kStep;
  int channel[kCols], down[kCols], right[kCols];
#pragma unroll
  for (int v = 0; v < kCols; ++v) {
    int col = first_col + v * kLines + line;
    channel[v] = col / (g.r * g.s);  // C or more: outside
    down[v] = col / g.s % g.r * g.dh - g.ph;
    right[v] = col % g.s * g.dw - g.pw;
  }
  SourceElements<kRows, Prologue> dy;
  SourceElements<kCols, Prologue> x;
  auto dy_to = [&](float* a, int v) { return a + Product::A::at(own_k, v * kLines + line); };
  auto x_to = [&](float* b, int v) { return b + Product::B::at(own_k, v * kLines + line); };
  Product::run(
      first, last, g.o - first_row, g.cols() - first_col, shared,
      [&](int k, float* a, float* b) {
        int pixel = k + own_k, plane = g.p * g.q, image = pixel / plane, place = pixel % plane;
        bool inside = pixel < last;
#pragma unroll
        for (int v = 0; v < kRows; ++v) {
          int o = first_row + v * kLines + line, row = image * g.o + o;
          dy.load(v, g.dy, int64_t{row} * plane + place, {row, place, inside && o < g.o}, dy_to(a, v));
        }
        int top = place / g.q * g.sh, left = place % g.q * g.sw;
#pragma unroll
        for (int v = 0; v < kCols; ++v) {
          int row = top + down[v], col = left + right[v], from = image * g.c + channel[v];
          bool live = inside && channel[v] < g.c && row >= 0 && row < g.h && col >= 0 && col < g.w;
          x.load(v, g.x, int64_t{from} * (g.h * g.w) + row * g.w + col, {from, row * g.w + col, live}, x_to(b, v));
        }
      },
      [&](float* a, float* b) {
        dy.store(of_dy, [&](int v) { return dy_to(a, v); });
        x.store(of_x, [&](int v) { return x_to(b, v); });
      });
  finish<Tile>(g.parts, epilogue, tile, part, shared, [&](int row, int col) {
    return PwElement{first_row + row, first_col + col, first_row + row < g.o && first_col + col < g.cols()};
  });
}

template <class Tile, Precision precision, class Prologue>
__global__ void __launch_bounds__(Tile::kThreads, 1)
    weight_grad_kernel(const int64_t* guard, WeightGradArguments g, Prologue of_dy, Prologue of_x, SmallPw epilogue) {
  KANTOR_DYNAMIC_SHARED(float, memory);
  KANTOR_SHARED(bool, flag);
  if (starts(guard)) weight_grad<Tile, precision>(g, of_dy, of_x, epilogue, blockIdx.x, {memory, flag});
}

template <class Tile, class Prologue>
void enqueue(const Node& node, WeightGradArguments g, const Prologue& of_dy, const Prologue& of_x, Recorder& r) {
  int cols = g.c * g.r * g.s;
  g.tile_cols = ceil_div(cols, Tile::kCols);
  int tiles = ceil_div(g.o, Tile::kRows) * g.tile_cols;
  g.parts = TileParts::of<Tile>(tiles, g.n * g.p * g.q, r);
  SmallPw store = {};
  store.stores[0] = node.out[0].f32();
  store.code[0] = {Pw::accumulator, 0, 0, 0, 0};
  store.code[1] = {Pw::store, 0, 0, 0, 0};
  store.rows = g.o, store.cols = cols, store.length = 2;
  store.form = PwForm::of(store.code, store.length, -1);
  with_precision(node.precision, [&](auto precision) {
    r.launch(weight_grad_kernel<Tile, precision.value, Prologue>,
             {static_cast<unsigned>(tiles * g.parts.parts), Tile::kThreads,
              TileProduct<Tile, precision.value, true, true>::kSharedBytes},
             g, of_dy, of_x, store);
  });
}

__global__ void __launch_bounds__(kGradSumWarps* kWarp, 1)
    add_grad_parts_kernel(const int64_t* guard, const float* partial, int parts, int count, float* to) {
  KANTOR_SHARED(float[kGradSumWarps][kWarp], sums);
  if (starts(guard)) add_grad_parts(partial, parts, count, to, sums);
}

// The cut into steps of lines; rows is 0 where the product does not suit the kernel.
GradPatchArguments patches_of(const WeightGradArguments& g) {
  GradPatchArguments a = {};
  a.dy = g.dy, a.x = g.x;
  a.channels = g.c, a.h = g.h, a.w = g.w, a.outs = g.o, a.p = g.p, a.q = g.q;
  a.kernel_h = g.r, a.pad_h = g.ph, a.pad_w = g.pw, a.dilation_h = g.dh;
  // (Of a single line, the sums for those that are not there would be most.)
  if (g.sh != 1 || g.sw != 1 || g.s != 3 || g.dw != 1 || g.r < 2 || g.r > kGradLines) return a;
  int reach = (g.r - 1) * g.dh, width = std::max(g.w, g.q + 2 - g.pw);
  a.lead = ceil_div(g.pw, 4) * 4, a.pitch = a.lead + ceil_div(width, 4) * 4;
  int most = std::min({g.p, kGradPixels / g.q, kGradFloats / a.pitch - reach});
  if (most < 1) return a;
  a.steps_of_image = ceil_div(g.p, most);
  a.rows = ceil_div(g.p, a.steps_of_image), a.lines = a.rows + reach, a.steps = g.n * a.steps_of_image;
  auto piece = [](const float* from, int floats) {
    auto aligned = [&](uintptr_t by) {
      return floats % static_cast<int>(by) == 0 && reinterpret_cast<uintptr_t>(from) % (by * sizeof(float)) == 0;
    };
    return aligned(4) ? 4 : aligned(2) ? 2 : 1;
  };
  a.x_piece = piece(g.x, g.w);
  a.dy_piece = std::min(piece(g.dy, g.p * g.q), piece(g.dy, a.rows * g.q));
  return a;
}

template <class Tile>
void enqueue_patches(const Node& node, GradPatchArguments a, Recorder& r) {
  a.tile_channels = ceil_div(a.channels, Tile::kChannels);
  int tiles = ceil_div(a.outs, Tile::kOuts) * a.tile_channels, count = a.outs * a.channels * a.kernel_h * 3;
  // Two blocks a multiprocessor; a part is at least two steps.
  a.parts = std::max(1, std::min(2 * TileParts::kBlocks / tiles, a.steps / 2));
  a.part_steps = ceil_div(a.steps, a.parts);
  a.parts = ceil_div(a.steps, a.part_steps);
  float* dw = node.out[0].f32();
  a.to = a.parts > 1 ? r.scratch<float>(int64_t{a.parts} * count) : dw;
  with_precision(node.precision, [&](auto precision) {
    r.launch(patch_weight_grad_kernel<Tile, precision.value>,
             {static_cast<unsigned>(tiles * a.parts), Tile::kThreads, Tile::kSharedBytes}, a);
  });
  if (a.parts > 1)
    r.launch(add_grad_parts_kernel, {static_cast<unsigned>(ceil_div(count, kWarp)), kGradSumWarps * kWarp}, a.to, a.parts,
             count, dw);
}

}  // namespace

void enqueue_conv2d_weight_grad(const Node& node, Recorder& r) {
  const Tensor &dy = node.in[0], &x = node.in[1], &dw = node.out[0];
  const ConvShape z = conv_shape(node, x, dw, dy);
  for (const Tensor* t : {&dy, &x, &dw}) extent(node, t->count());
  extent(node, z.n * z.p * z.q);
  auto narrow = [](int64_t n) { return static_cast<int>(n); };
  WeightGradArguments g = {};
  g.dy = dy.f32(), g.x = x.f32();
  g.n = narrow(z.n), g.c = narrow(z.c), g.h = narrow(z.h), g.w = narrow(z.w), g.o = narrow(z.o);
  g.r = narrow(z.r), g.s = narrow(z.s), g.p = narrow(z.p), g.q = narrow(z.q);
  g.sh = narrow(z.sh), g.sw = narrow(z.sw), g.ph = narrow(z.ph), g.pw = narrow(z.pw);
  g.dh = narrow(z.dh), g.dw = narrow(z.dw);
  const WeightGradPrologues prologues = WeightGradPrologues::decode(node);
  bool plain = prologues.dy.result < 0 && prologues.x.result < 0;
  if (GradPatchArguments patches = patches_of(g); plain && patches.rows > 0)
    return g.c <= NarrowGradTile::kChannels ? enqueue_patches<NarrowGradTile>(node, patches, r)
                                            : enqueue_patches<WideGradTile>(node, patches, r);
  int64_t large = int64_t{ceil_div(g.o, LargeTile::kRows)} * ceil_div(narrow(dw.count() / z.o), LargeTile::kCols);
  bool wide = g.o > SmallTile::kRows && large * TileParts::most(g.n * g.p * g.q) >= TileParts::kEnough;
  if (!plain) {
    DevicePrologue of_dy = DevicePrologue::of(node, prologues.dy, r), of_x = DevicePrologue::of(node, prologues.x, r);
    wide ? enqueue<LargeTile>(node, g, of_dy, of_x, r) : enqueue<SmallTile>(node, g, of_dy, of_x, r);
  } else {
    wide ? enqueue<LargeTile>(node, g, NoPrologue{}, NoPrologue{}, r)
         : enqueue<SmallTile>(node, g, NoPrologue{}, NoPrologue{}, r);
  }
}

}  // namespace kantor::cuda
