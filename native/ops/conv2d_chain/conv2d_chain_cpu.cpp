#include "ops/conv2d_chain/conv2d_chain.h"

#include <memory>
#include <optional>

#include "ops/conv2d/conv_lanes.h"
#include "ops/conv2d_chain/chain_dots.h"
#include "ops/conv2d_chain/chain_sums.h"
#include "ops/conv2d_chain/chain_winograd.h"
#include "ops/pointwise/pointwise_eval.h"
#include "ops/workspaces.h"

namespace kantor::KANTOR_ISA {
namespace {

// A task takes some units, an image or a block of the result's rows each. It asks the last layer for some rows at a time,
// each layer asks the one before for what it needs beyond the rows that it holds, and the first reads the image.
class ConvChainKernel {
 public:
  ConvChainKernel(const Node& node, Plan& plan)
      : chain_(ConvChain::decode(node)),
        image_(node.in[0].f32()),
        epilogue_(chain_.epilogue, node.in.data() + chain_.epilogue_in, node.out.data(), {}),
        reach_(chain_.layers.begin(), chain_.layers.end()),
        result_(reach_.back().sums()),
        at_once_(std::clamp<int64_t>(kResultFloats / (result_.out_channels * result_.out_cols), 1, result_.out_rows)),
        row_blocks_(result_.out_rows, std::max<int64_t>(1, result_.out_rows * result_.images / kEnoughUnits)),
        units_(result_.images * row_blocks_.blocks),
        tasks_(std::min(units_, kMostTasks)) {
    const size_t layers = reach_.size();
    int64_t asked = at_once_;  // the most rows that are asked of a layer's input
    for (size_t k = layers; k-- > 0;) {
      const ChainReach& reach = reach_[k];
      const ConvSums& z = reach.sums();
      const bool last = k + 1 == layers;
      lines_.insert(lines_.begin(), Lines(z.out_channels, z.out_rows, z.out_cols, last ? 0 : reach_[k + 1].left(),
                                          last ? 0 : reach_[k + 1].right(),
                                          asked + std::max<int64_t>(reach.strip() - 1, 0) + reach.tile() - 1));
      asked = reach.most_input(asked);
    }
    const ConvSums& first = reach_[0].sums();
    lines_.insert(lines_.begin(),
                  Lines(first.in_channels, first.in_rows, first.in_cols, reach_[0].left(), reach_[0].right(), asked));
    int64_t own = 0;
    for (size_t k = 0; k < layers; ++k) {
      stages_.push_back(make_stage(k, node, plan));
      own = std::max(own, stages_.back()->own_floats());
    }
    for (const Lines& lines : lines_) {
      lines_at_.push_back(own_at_);
      own_at_ += round_up(lines.size(), 16);
    }
    stage_at_ = own_at_ + round_up(own, 16);
    places_.emplace(tasks_, stage_at_ + result_.out_channels * stage_stride(), plan);
  }

  int tasks() const { return static_cast<int>(tasks_); }
  const std::vector<std::unique_ptr<ChainStage>>& stages() const { return stages_; }

  void run(int task, std::byte* scratch) const {
    Workspaces::Lease lease(*places_, scratch);
    for (int64_t unit = units_ * task / tasks_; unit < units_ * (task + 1) / tasks_; ++unit) {
      const int64_t block = unit % row_blocks_.blocks, end = row_blocks_.begin(block + 1);
      Walk walk = {unit / row_blocks_.blocks, lease.floats(), scratch, {}};
      for (int64_t p = row_blocks_.begin(block); p < end; p += at_once_)
        finish({p, std::min(p + at_once_, end)}, walk);
    }
  }

 private:
  static constexpr int64_t kResultFloats = 8192;  // of the rows of the result that go to the epilogue at once, about
  static constexpr int64_t kMostTasks = 64, kEnoughUnits = 8;
  static constexpr size_t kMostLayers = 8;

  struct Walk {
    int64_t image;
    float* memory;
    std::byte* scratch;
    Rows held[kMostLayers + 1];  // by each layer's input, and the result
  };

  std::unique_ptr<ChainStage> make_stage(size_t k, const Node& node, Plan& plan) const {
    const ChainLayer& layer = chain_.layers[k];
    const ChainReach& reach = reach_[k];
    const float* weight = node.in[layer.weight].f32();
    const ChainFinish finish(layer, k + 1 < chain_.layers.size() ? node.in[layer.weight + 1].f32() : nullptr);
    const Lines &in = lines_[k], &out = lines_[k + 1];
    switch (reach.method()) {
      case ChainMethod::sums: return std::make_unique<ChainSums>(reach, weight, finish, in, out, plan);
      case ChainMethod::dots: return std::make_unique<ChainDots>(reach, weight, finish, in, out, plan);
      case ChainMethod::winograd2:
        return std::make_unique<ChainWinograd<2>>(reach, layer.transposed, weight, finish, in, out, plan);
      case ChainMethod::winograd4:
        return std::make_unique<ChainWinograd<4>>(reach, layer.transposed, weight, finish, in, out, plan);
    }
    return nullptr;
  }

  int64_t stage_stride() const { return at_once_ * result_.out_cols; }

  // Has lines k, the input of layer k, hold some rows at least.
  void provide(size_t k, const Rows& wanted, Walk& walk) const {
    const Lines& lines = lines_[k];
    float* to = walk.memory + lines_at_[k];
    Rows& held = walk.held[k];
    const int64_t strip = k > 0 ? reach_[k - 1].strip() : 0, tile = k > 0 ? reach_[k - 1].tile() : 1;
    if (wanted.begin < held.begin || wanted.begin >= held.end) {
      held.begin = held.end = wanted.begin < 0 ? wanted.begin : wanted.begin / tile * tile;
    } else if (wanted.end > held.end && wanted.end + std::max<int64_t>(strip - 1, 0) > held.begin + lines.capacity()) {
      lines.drop_before(to, &held, wanted.begin);
    }
    while (held.end < wanted.end) {
      if (held.end < 0 || held.end >= lines.rows()) {
        const int64_t end = held.end < 0 ? std::min<int64_t>(0, wanted.end) : wanted.end;
        lines.clear_rows(to, held, {held.end, end});
        held.end = end;
        continue;
      }
      const Rows next = {held.end, std::min(strip > 0 ? held.end + strip : wanted.end, lines.rows())};
      lines.clear_sides(to, held, next);
      if (k == 0) {
        read(next, to, held, walk.image);
      } else {
        provide(k - 1, reach_[k - 1].input(next), walk);
        stages_[k - 1]->compute(walk.memory + lines_at_[k - 1], walk.held[k - 1], next, to, held, walk.memory + own_at_,
                                walk.scratch);
      }
      held.end = next.end;
    }
  }

  // The first layer's input, from planes to lines.
  void read(const Rows& rows, float* to, const Rows& held, int64_t image) const {
    const Lines& lines = lines_[0];
    const int64_t width = lines.width(), plane = lines.rows() * lines.cols();
    for (int64_t c = 0; c < lines.channels(); c += width) {
      const int channels = static_cast<int>(std::min(lines.channels() - c, width));
      for (int64_t r = rows.begin; r < rows.end; ++r) {
        const float* from = image_ + (image * lines.channels() + c) * plane + r * lines.cols();
        float* row = to + lines.channel(c) + lines.row(r, held);
        if (width == kWidth) {
          const float* planes[kWidth] = {};
          for (int i = 0; i < channels; ++i) planes[i] = from + i * plane;
          to_lanes(planes, channels, lines.cols(), row, [](Vec pixel) { return pixel; });
        } else {
          for (int64_t i = 0; i < channels; ++i)
            for (int64_t j = 0; j < lines.cols(); ++j) row[j * width + i] = from[i * plane + j];
        }
      }
    }
  }

  // Rows of the result, from lines to planes.
  void finish(const Rows& rows, Walk& walk) const {
    const size_t last = lines_.size() - 1;
    const Lines& lines = lines_[last];
    provide(last, rows, walk);
    const float* from = walk.memory + lines_at_[last] + lines.row(rows.begin, walk.held[last]);
    float* stage = walk.memory + stage_at_;
    const int64_t pixels = (rows.end - rows.begin) * lines.cols(), width = lines.width();
    for (int64_t c = 0; c < lines.channels(); c += width) {
      const float* block = from + lines.channel(c);
      float* to = stage + c * stage_stride();
      if (width == kWidth)
        from_lanes(block, static_cast<int>(std::min(lines.channels() - c, width)), pixels, to, stage_stride());
      else
        for (int64_t i = 0; i < width; ++i)
          for (int64_t j = 0; j < pixels; ++j) to[i * stage_stride() + j] = block[j * width + i];
    }
    epilogue_.run({walk.image * result_.out_channels, result_.out_channels, rows.begin * result_.out_cols, pixels}, stage,
                  stage_stride());
  }

  ConvChain chain_;
  const float* image_;
  PwKernel epilogue_;
  std::vector<ChainReach> reach_;  // of each layer
  ConvSums result_;
  int64_t at_once_;  // rows of the result
  Cut row_blocks_;
  int64_t units_, tasks_;
  std::vector<Lines> lines_;  // each layer's input, and the result
  std::vector<std::unique_ptr<ChainStage>> stages_;
  std::vector<int64_t> lines_at_;  // in a task's memory, in floats
  int64_t own_at_ = 0, stage_at_ = 0;
  std::optional<Workspaces> places_;
};

}  // namespace

void prepare_conv2d_chain(const Node& node, Plan& plan) {
  auto job = std::make_shared<const ConvChainKernel>(node, plan);
  for (const auto& stage : job->stages())
    plan.phase(stage->weight_tasks(),
               [job, &stage](int task, std::byte* scratch) { stage->prepare_weights(task, scratch); });
  plan.phase(job->tasks(), [job](int task, std::byte* scratch) { job->run(task, scratch); });
}

}  // namespace kantor::KANTOR_ISA
