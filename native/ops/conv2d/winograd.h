// Winograd's F(m x m, 3 x 3) for conv2d and conv2d_data_grad with a 3 x 3 kernel, stride and dilation 1.
//
// A task takes some strips of tiles (winograd_tiles.h). It transforms a strip's source; then, for some output channels
// at a time, multiplies the (m + 2)^2 matrices [tile][in channel] by those of the weights, [in channel][out channel],
// transforms the products back and hands them, plane by plane, to the epilogue. What lies between source and output
// stays in the second-level cache.
#pragma once
#include <memory>

#include "ops/conv2d/winograd_product.h"
#include "ops/conv2d/winograd_tiles.h"
#include "ops/pointwise/pointwise_eval.h"
#include "ops/workspaces.h"

namespace kantor::KANTOR_ISA {
namespace {

// What is computed: out[n][o][p][q] = sum over c, r, s of
//   weight[o * weight_out + c * weight_in + (turned ? 8 - 3r - s : 3r + s)] * source[n][c][p + first_row + r][q +
//   first_col + s]
struct WinogradProblem {
  ConvSource source;
  const float* weight;
  int64_t images, in_channels, in_rows, in_cols, out_channels, out_rows, out_cols;
  int64_t first_row, first_col;
  int64_t weight_out, weight_in;
  bool turned;
};

template <int m>
class WinogradConv {
 public:
  WinogradConv(const WinogradProblem& problem, const ConvPrograms& programs, const Node& node, Plan& plan)
      : z_(problem),
        map_(ChannelMap::recognise(node, programs.epilogue, programs.epilogue_in)),
        out_(node.out[0].f32()),
        epilogue_(programs.epilogue, node.in.data() + programs.epilogue_in, node.out.data(), {}),
        product_({z_.weight, z_.in_channels, z_.out_channels, z_.weight_out, z_.weight_in, z_.turned}, plan),
        cut_(z_.images, z_.out_rows, z_.out_cols, m,
             std::clamp(kStripFloats / (kPoints * (whole_lanes(z_.in_channels) + kTileCols)), kLeastTiles, kMostTiles)),
        source_(z_.source, z_.in_channels, z_.in_rows, z_.in_cols, z_.first_row, z_.first_col, cut_),
        tasks_(std::min(cut_.strips(), kMostTasks)),
        source_stride_(apart(cut_.most_tiles() * whole_lanes(z_.in_channels))),
        product_stride_(apart(cut_.most_tiles() * kTileCols)),
        pixels_(cut_.most_rows() * m * z_.out_cols),
        products_at_(kPoints * source_stride_),
        own_at_(products_at_ + kPoints * product_stride_),
        pixels_at_(own_at_ + source_.size()),
        stage_at_(pixels_at_ + pixels_ * kWidth),
        places_(tasks_, stage_at_ + (map_ ? 0 : apart(pixels_) * kWidth), plan) {}

  int weight_tasks() const { return product_.weight_tasks(); }
  int tasks() const { return static_cast<int>(tasks_); }
  void transform_weights(int task, std::byte* scratch) const { product_.transform_weights(task, scratch); }

  void run(int task, std::byte* scratch) const {
    Workspaces::Lease lease(places_, scratch);
    float* own = lease.floats();
    for (int64_t i = cut_.strips() * task / tasks_; i < cut_.strips() * (task + 1) / tasks_; ++i) {
      const Strip strip = cut_.strip(i);
      source_.transform(strip, own, source_stride_, own + own_at_);
      for (int64_t chunk = 0; chunk < product_.chunks(); ++chunk) {
        product_.multiply(chunk, cut_.tiles(strip), own, source_stride_, own + products_at_, product_stride_, scratch);
        finish(strip, chunk, own);
      }
    }
  }

 private:
  static constexpr int64_t kPoints = (m + 2) * (m + 2);
  static constexpr int64_t kStripFloats = 100000;  // of a strip's source and products: the weights lie in the cache too
  static constexpr int64_t kLeastTiles = 14, kMostTiles = 84;
  static constexpr int64_t kMostTasks = 64;

  // Transforms a strip's products for a chunk of channels back and passes them on.
  void finish(const Strip& strip, int64_t chunk, float* own) const {
    const int64_t lanes = product_.lanes(chunk), plane = z_.out_rows * z_.out_cols, first = strip.row * m;
    const int64_t rows = std::min(strip.rows * m, z_.out_rows - first), pixels = rows * z_.out_cols;
    for (int64_t i = 0; i < strip.images; ++i)
      for (int64_t v = 0; v < lanes; v += kWidth) {
        const int64_t o = product_.first_channel(chunk) + v, row = (strip.n + i) * z_.out_channels + o;
        const int channels = static_cast<int>(std::min<int64_t>(z_.out_channels - o, kWidth));
        const float* from = own + products_at_ + i * strip.rows * cut_.tile_cols() * lanes + v;
        auto to_pixels = [&](auto make) {
          for (int64_t p = 0; p < rows; p += m)
            for (int64_t q = 0; q < z_.out_cols; q += m, from += lanes)
              inverse_tile<m>(from, product_stride_, std::min<int64_t>(rows - p, m),
                              std::min<int64_t>(z_.out_cols - q, m), own + pixels_at_ + (p * z_.out_cols + q) * kWidth,
                              z_.out_cols * kWidth, make);
        };
        if (map_) {
          map_->across(row, channels, to_pixels);
          from_lanes(own + pixels_at_, channels, pixels, out_ + row * plane + first * z_.out_cols, plane);
        } else {
          to_pixels([](Vec pixel) { return pixel; });
          from_lanes(own + pixels_at_, channels, pixels, own + stage_at_, apart(pixels_));
          epilogue_.run({row, channels, first * z_.out_cols, pixels}, own + stage_at_, apart(pixels_));
        }
      }
  }

  WinogradProblem z_;
  std::optional<ChannelMap> map_;  // what the epilogue does, if that is all
  float* out_;
  PwKernel epilogue_;
  WinogradProduct<m> product_;
  TileCut cut_;
  TileSource<SourceLine<m>> source_;
  int64_t tasks_, source_stride_, product_stride_, pixels_;
  int64_t products_at_, own_at_, pixels_at_, stage_at_;  // a task's memory, in floats; the source's tiles come first
  Workspaces places_;
};

template <int m>
void plan_winograd(const WinogradProblem& problem, const ConvPrograms& programs, const Node& node, Plan& plan) {
  auto job = std::make_shared<const WinogradConv<m>>(problem, programs, node, plan);
  plan.phase(job->weight_tasks(), [job](int task, std::byte* scratch) { job->transform_weights(task, scratch); });
  plan.phase(job->tasks(), [job](int task, std::byte* scratch) { job->run(task, scratch); });
}

}  // namespace
}  // namespace kantor::KANTOR_ISA
