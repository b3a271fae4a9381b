// A layer of a chain by Winograd's algorithm (ops/conv2d/winograd_lines.h): a strip's rows of tiles at a time.
#pragma once
#include "ops/conv2d/winograd_product.h"
#include "ops/conv2d/winograd_tiles.h"
#include "ops/conv2d_chain/chain_stage.h"

namespace kantor::KANTOR_ISA {
namespace {

template <int m>
class ChainWinograd final : public ChainStage {
 public:
  ChainWinograd(const ChainReach& reach, bool turned, const float* weight, const ChainFinish& finish, const Lines& in,
                const Lines& out, Plan& plan)
      : z_(reach.sums()),
        first_(reach.first()),
        finish_(finish),
        in_(in),
        out_(out),
        tile_cols_(ceil_div(z_.out_cols, m)),
        product_({weight, z_.in_channels, z_.out_channels, z_.weight_out, z_.weight_in, turned}, plan),
        source_stride_(apart(reach.strip() / m * tile_cols_ * whole_lanes(z_.in_channels))),
        product_stride_(apart(reach.strip() / m * tile_cols_ * kTileCols)),
        products_at_(kPoints * source_stride_),
        lines_at_(products_at_ + kPoints * product_stride_) {}

  int weight_tasks() const override { return product_.weight_tasks(); }
  void prepare_weights(int task, std::byte* scratch) const override { product_.transform_weights(task, scratch); }
  int64_t own_floats() const override { return lines_at_ + (tile_cols_ * m + 2) * (m + 2) * kWidth; }

  void compute(const float* from, const Rows& from_held, const Rows& rows, float* to, const Rows& to_held, float* own,
               std::byte* scratch) const override {
    const int64_t tile_rows = ceil_div(rows.end - rows.begin, m), lanes = whole_lanes(z_.in_channels);
    for (int64_t b = 0; b < in_.blocks(); ++b)
      for (int64_t row = 0; row < tile_rows; ++row) {
        const float* first = from + b * in_.block_size() + in_.row(rows.begin + row * m + first_.down, from_held);
        transform_columns<SourceLine<m>>(first + first_.right * kWidth, in_.pitch(), tile_cols_ * m + 2, own + lines_at_);
        for (int64_t col = 0; col < tile_cols_; ++col)
          transform_rows<SourceLine<m>>(own + lines_at_ + col * m * (m + 2) * kWidth,
                                        own + (row * tile_cols_ + col) * lanes + b * kWidth, source_stride_);
      }
    for (int64_t chunk = 0; chunk < product_.chunks(); ++chunk) {
      product_.multiply(chunk, tile_rows * tile_cols_, own, source_stride_, own + products_at_, product_stride_, scratch);
      for (int64_t v = 0; v < product_.lanes(chunk); v += kWidth)
        finish(rows, product_.first_channel(chunk) + v, own + products_at_ + v, product_.lanes(chunk), to, to_held);
    }
  }

 private:
  static constexpr int64_t kPoints = (m + 2) * (m + 2);

  // A vector of channels from its products.
  void finish(const Rows& rows, int64_t channel, const float* products, int64_t tile_floats, float* to,
              const Rows& to_held) const {
    float* block = to + channel / kWidth * out_.block_size();
    const Vec bias = finish_.bias(channel);
    finish_.choose([&](auto activation) {
      for (int64_t p = rows.begin; p < rows.end; p += m)
        for (int64_t q = 0; q < z_.out_cols; q += m, products += tile_floats)
          inverse_tile<m>(products, product_stride_, std::min<int64_t>(rows.end - p, m),
                          std::min<int64_t>(z_.out_cols - q, m), block + out_.row(p, to_held) + q * kWidth,
                          out_.pitch(), [&](Vec sum) { return activation(sum + bias); });
    });
  }

  ConvSums z_;
  Tap first_;
  ChainFinish finish_;
  Lines in_, out_;
  int64_t tile_cols_;
  WinogradProduct<m> product_;
  int64_t source_stride_, product_stride_, products_at_, lines_at_;
};

}  // namespace
}  // namespace kantor::KANTOR_ISA
