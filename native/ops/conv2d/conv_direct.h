// The body of conv2d and conv2d_data_grad: the sums of conv_sums.h in register tiles of positions by channels.
//
// A task takes some units, an image or a block of its rows each: it packs the source of the rows, computes tiles of
// positions by channels into a strip, puts the strips of the parts together and hands them to the epilogue.
#pragma once
#include <memory>
#include <optional>

#include "ops/conv2d/conv_window.h"
#include "ops/pointwise/pointwise_eval.h"
#include "ops/workspaces.h"

namespace kantor::KANTOR_ISA {
namespace {

struct DirectProblem : ConvSums {
  ConvSource source;
  const float* weight;
};

class Direct {
 public:
  Direct(const DirectProblem& problem, const ConvPrograms& programs, const Node& node, Plan& plan)
      : z_(problem),
        map_(ChannelMap::recognise(node, programs.epilogue, programs.epilogue_in)),
        out_(node.out[0].f32()),
        epilogue_(programs.epilogue, node.in.data() + programs.epilogue_in, node.out.data(), {}),
        channel_blocks_(z_.out_channels, kTileChannels),
        in_blocks_(z_.in_channels, z_.in_channels),
        row_blocks_(1, 1),
        window_(make_window()) {
    Part largest = {0, 1, 0, ceil_div(window_.rows().positions, row_blocks_.blocks)};
    int64_t run = window_.vectors(largest) * kWidth;
    strip_stride_ = run % 256 == 0 ? run + 16 : run;
    stage_stride_ = largest.rows * z_.up_rows * z_.out_cols;
    chunk_blocks_ = std::clamp<int64_t>(kStripFloats / (strip_stride_ * kTileChannels), 1, channel_blocks_.blocks);
    int64_t chunk = std::min(chunk_blocks_ * kTileChannels, z_.out_channels);

    int64_t weights = 0;
    for (const SumPart& part : z_.parts) {
      Taps taps = {{}, weights};
      for (const SumTap& tap : part.taps) taps.offsets.push_back(window_.offset(tap.place));
      weights += z_.out_channels * z_.in_channels * static_cast<int64_t>(part.taps.size());
      taps_.push_back(std::move(taps));
    }
    units_ = z_.images * row_blocks_.blocks;
    tasks_ = std::min(units_, kMostTasks);
    strip_at_ = ceil_div(z_.in_channels, in_blocks_.blocks) * window_.channel_size();
    strip_floats_ = chunk * strip_stride_;
    stage_at_ = round_up(strip_at_ + (weaves() ? 2 : 1) * strip_floats_, 16);
    buffer_at_ = round_up(stage_at_ + chunk * stage_stride_, 16);
    places_.emplace(tasks_, buffer_at_ + window_.buffer_size(), plan);
    weights_at_ = plan.scratch(static_cast<size_t>(weights) * sizeof(float));
  }

  int pack_tasks() const { return static_cast<int>(channel_blocks_.blocks * static_cast<int64_t>(z_.parts.size())); }
  int tasks() const { return static_cast<int>(tasks_); }

  // Weights as the tiles read them: for each part and block of channels, [in channel][tap][channel of the block].
  void pack_weights(int task, std::byte* scratch) const {
    const size_t part = static_cast<size_t>(task / channel_blocks_.blocks);
    const int64_t block = task % channel_blocks_.blocks;
    int64_t o = channel_blocks_.begin(block), o_end = channel_blocks_.begin(block + 1);
    float* to = weights(part, o, scratch);
    for (int64_t c = 0; c < z_.in_channels; ++c)
      for (const SumTap& tap : z_.parts[part].taps)
        for (int64_t i = o; i < o_end; ++i) *to++ = z_.weight[i * z_.weight_out + c * z_.weight_in + tap.weight];
  }

  void run(int task, std::byte* scratch) const {
    Workspaces::Lease lease(*places_, scratch);
    float* own = lease.floats();
    for (int64_t unit = units_ * task / tasks_; unit < units_ * (task + 1) / tasks_; ++unit) {
      int64_t block = unit % row_blocks_.blocks, p = row_blocks_.begin(block);
      Part rows = {unit / row_blocks_.blocks, 1, p, row_blocks_.begin(block + 1) - p};
      if (in_blocks_.blocks == 1) window_.pack(rows, 0, z_.in_channels, own, own + buffer_at_);
      for (int64_t b = 0; b < channel_blocks_.blocks; b += chunk_blocks_)
        run_chunk(rows, b, std::min(b + chunk_blocks_, channel_blocks_.blocks), own, scratch);
    }
  }

 private:
  static constexpr int64_t kStripFloats = 32768;   // of the channels that go to the epilogue at once, about
  static constexpr int64_t kSourceFloats = 65536;  // packed, about: what the second-level cache holds beside the weights
  static constexpr int64_t kMostTasks = 64, kEnoughUnits = 8;

  struct Taps {
    std::vector<int64_t> offsets;
    int64_t weights_at;
  };

  // Chooses row_blocks_ and in_blocks_ besides. Memory gives and takes whole planes, one after another, more than twice
  // as fast as some rows of each. So a unit is an image if strip and source allow; and where one tile has all the output
  // channels, the source need not hold all the input channels at a time.
  Window make_window() {
    std::vector<int64_t> down, right;
    std::vector<Tap> taps;
    for (const SumPart& part : z_.parts)
      for (const SumTap& tap : part.taps) {
        down.push_back(tap.place.down);
        right.push_back(tap.place.right);
        taps.push_back(tap.place);
      }
    Axis rows(ceil_div(z_.out_rows, z_.up_rows), z_.in_rows, z_.step_rows, down);
    Axis cols(ceil_div(z_.out_cols, z_.up_cols), z_.in_cols, z_.step_cols, right);
    const int64_t row_floats = cols.pitch() * z_.step_rows * z_.step_cols;  // of a channel
    int64_t most = std::min(rows.positions, ceil_div(rows.positions * z_.images, kEnoughUnits));
    most = std::clamp<int64_t>(kStripFloats / kTileChannels / cols.pitch(), 1, most);
    if (channel_blocks_.blocks == 1 && z_.parts.size() == 1)
      in_blocks_ = Cut(z_.in_channels, std::max<int64_t>(1, kSourceFloats / (row_floats * (most + rows.span))));
    const int64_t channels = ceil_div(z_.in_channels, in_blocks_.blocks);
    most = std::clamp<int64_t>(kSourceFloats / (row_floats * channels) - rows.span, 1, most);
    row_blocks_ = Cut(rows.positions, most);
    return Window(z_.source, z_.in_channels, rows, cols, taps, 1, ceil_div(rows.positions, row_blocks_.blocks));
  }

  float* weights(size_t part, int64_t channel, std::byte* scratch) const {
    return reinterpret_cast<float*>(scratch + weights_at_) + taps_[part].weights_at +
           channel * z_.in_channels * static_cast<int64_t>(taps_[part].offsets.size());
  }

  // Channel blocks [b0, b1) of a unit.
  void run_chunk(const Part& rows, int64_t b0, int64_t b1, float* own, std::byte* scratch) const {
    const int64_t o0 = channel_blocks_.begin(b0), count = channel_blocks_.begin(b1) - o0,
                  plane = z_.out_rows * z_.out_cols;
    const int64_t h0 = rows.p * z_.up_rows, h_count = std::min(rows.rows * z_.up_rows, z_.out_rows - h0);
    const int64_t first_row = rows.n * z_.out_channels + o0;
    float *strip = own + strip_at_, *stage = own + stage_at_;
    int64_t stage_stride = h_count * z_.out_cols;
    if (map_) {
      stage = out_ + first_row * plane + h0 * z_.out_cols;
      stage_stride = plane;
    }
    for (size_t part = 0; part < z_.parts.size(); ++part) {
      for (int64_t in = 0; in < in_blocks_.blocks; ++in) {
        if (in_blocks_.blocks > 1)
          window_.pack(rows, in_blocks_.begin(in), in_blocks_.begin(in + 1), own, own + buffer_at_);
        run_tiles(rows, part, b0, b1, in, own, strip, scratch);
      }
      if (weaves()) run_tiles(rows, ++part, b0, b1, 0, own, strip + strip_floats_, scratch);
      place(z_.parts[part], rows, first_row, count, h_count, strip, stage, stage_stride);
    }
    if (!map_) epilogue_.run({first_row, count, h0 * z_.out_cols, h_count * z_.out_cols}, stage, stage_stride);
  }

  // The sum over a block of input channels, added to those of the blocks before.
  void run_tiles(const Part& rows, size_t part, int64_t b0, int64_t b1, int64_t in, const float* source, float* strip,
                 std::byte* scratch) const {
    const Taps& taps = taps_[part];
    const int64_t tap_count = static_cast<int64_t>(taps.offsets.size());
    const int64_t c = in_blocks_.begin(in), channels = in_blocks_.begin(in + 1) - c;
    const int64_t o0 = channel_blocks_.begin(b0);
    Cut vectors(window_.vectors(rows), tile_width(static_cast<int>(ceil_div(z_.out_channels, channel_blocks_.blocks))));
    for (int64_t v = 0; v < vectors.blocks; ++v) {
      const int64_t at = vectors.begin(v) * kWidth, width = vectors.begin(v + 1) - vectors.begin(v);
      for (int64_t b = b0; b < b1; ++b) {
        const int64_t o = channel_blocks_.begin(b), count = channel_blocks_.begin(b + 1) - o;
        tile_of<SumTiles>(count, width)(weights(part, o, scratch) + c * tap_count * count, source + at, channels,
                                        window_.channel_size(), taps.offsets.data(), tap_count,
                                        strip + (o - o0) * strip_stride_ + at, strip_stride_, in > 0);
      }
    }
  }

  // Two parts, of the even and the odd columns, are put in place together.
  bool weaves() const { return z_.up_cols == 2 && z_.out_cols > 1; }

  // Copies a part's strip, or what the map makes of it, to its places, without the gaps; if two are woven, the second
  // part is given.
  void place(const SumPart& part, const Part& rows, int64_t first_row, int64_t channels, int64_t h_count,
             const float* strip, float* stage, int64_t stage_stride) const {
    for (int64_t o = 0; o < channels; ++o) {
      auto place_rows = [&](auto make) {
        for (int64_t i = 0; i < rows.rows && i * z_.up_rows + part.row < h_count; ++i) {
          const float* from = strip + o * strip_stride_ + i * window_.cols().pitch();
          float* to = stage + o * stage_stride + (i * z_.up_rows + part.row) * z_.out_cols;
          if (weaves())
            weave_row(from, from + strip_floats_, to, make);
          else if (z_.up_cols == 1)
            copy_run(from, z_.out_cols, to, make);
          else
            for (int64_t k = part.col; k < z_.out_cols; k += z_.up_cols) to[k] = make(broadcast(*from++))[0];
        }
      };
      if (map_) map_->of_row(first_row + o, place_rows);
      else place_rows([](Vec x) { return x; });
    }
  }

  template <class Map>
  void weave_row(const float* even, const float* odd, float* to, Map make) const {
    int64_t k = 0;
    for (; k + 2 * kWidth <= z_.out_cols; k += 2 * kWidth) {
      Vec a = make(load(even + k / 2)), b = make(load(odd + k / 2));
      store(to + k, interleave_low(a, b));
      store(to + k + kWidth, interleave_high(a, b));
    }
    const int64_t left = z_.out_cols - k;
    Vec a = make(load_partial(even + k / 2, (left + 1) / 2)), b = make(load_partial(odd + k / 2, left / 2));
    store_partial(to + k, interleave_low(a, b), std::min<int64_t>(left, kWidth));
    if (left > kWidth) store_partial(to + k + kWidth, interleave_high(a, b), left - kWidth);
  }

  DirectProblem z_;
  std::optional<ChannelMap> map_;  // what the epilogue does, if that is all
  float* out_;
  PwKernel epilogue_;
  Cut channel_blocks_, in_blocks_, row_blocks_;
  Window window_;
  std::vector<Taps> taps_;
  int64_t strip_stride_, stage_stride_, chunk_blocks_, units_, tasks_;
  int64_t strip_at_, strip_floats_, stage_at_, buffer_at_;  // a task's memory, in floats
  std::optional<Workspaces> places_;
  size_t weights_at_;
};

inline void plan_direct(const DirectProblem& problem, const ConvPrograms& programs, const Node& node, Plan& plan) {
  auto job = std::make_shared<const Direct>(problem, programs, node, plan);
  plan.phase(job->pack_tasks(), [job](int task, std::byte* scratch) { job->pack_weights(task, scratch); });
  plan.phase(job->tasks(), [job](int task, std::byte* scratch) { job->run(task, scratch); });
}

}  // namespace
}  // namespace kantor::KANTOR_ISA
