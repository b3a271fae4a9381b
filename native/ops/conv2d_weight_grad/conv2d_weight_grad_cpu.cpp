// dW as dot products over positions, in register tiles of output channels by taps.
//
// A group of images is cut into units, either a block of rows of one image or some whole images. X and dY of a unit are
// packed so that dY, zero in the gaps, is one run a channel, and a tap of X the same run at an offset. Each group sums
// its units in order; a second phase adds the groups in order.
#include <memory>
#include <optional>

#include "ops/conv2d/conv_method.h"
#include "ops/conv2d/conv_window.h"
#include "ops/conv2d_weight_grad/conv2d_weight_grad.h"
#include "ops/conv2d_weight_grad/winograd_weight_grad.h"

namespace kantor::KANTOR_ISA {
namespace {

class WeightGrad {
 public:
  WeightGrad(const ConvShape& shape, const ConvSource& dy, const ConvSource& x, float* dw, Plan& plan)
      : z_(shape),
        dy_(dy),
        dw_(dw),
        terms_(z_.c * z_.r * z_.s),
        channel_blocks_(z_.o, kDotChannels),
        term_blocks_(terms_, tile_width(static_cast<int>(ceil_div(z_.o, channel_blocks_.blocks)))),
        row_blocks_(1, 1),
        window_(make_window(x)) {
    std::vector<int64_t> offsets;
    for (const Tap& tap : taps()) offsets.push_back(window_.offset(tap));
    for (int64_t c = 0; c < z_.c; ++c)
      for (int64_t offset : offsets) offsets_.push_back(c * window_.channel_size() + offset);
    units_ = images_ > 1 ? ceil_div(z_.n, images_) : z_.n * row_blocks_.blocks;
    groups_ = std::clamp<int64_t>(kMostPartialFloats / (z_.o * terms_), 1, std::min(units_, kMostGroups));
    splits_ = std::min(channel_blocks_.blocks, ceil_div(kEnoughTasks, groups_));
    Part largest = {0, images_, 0, ceil_div(z_.p, row_blocks_.blocks)};
    gradient_stride_ = window_.vectors(largest) * kWidth;
    if (gradient_stride_ % 256 == 0) gradient_stride_ += 16;
    source_floats_ = round_up(z_.c * window_.channel_size(), 16);
    buffer_at_ = source_floats_ + round_up(kDotChannels * gradient_stride_, 16);
    const int64_t buffer = std::max(window_.buffer_size(), dy_.buffer_floats(largest.rows * z_.q));
    places_.emplace(groups_ * splits_, buffer_at_ + buffer, plan);
    partial_at_ = plan.scratch(static_cast<size_t>(groups_ * z_.o * terms_) * sizeof(float));
  }

  int tasks() const { return static_cast<int>(groups_ * splits_); }
  int merge_tasks() const { return static_cast<int>(channel_blocks_.blocks); }

  void run(int task, std::byte* scratch) const {
    const int64_t group = task / splits_, split = task % splits_;
    Workspaces::Lease lease(*places_, scratch);
    float* source = lease.floats();
    float *gradient = source + source_floats_, *buffer = source + buffer_at_;
    float* sums = partial(group, scratch);
    const int64_t b0 = channel_blocks_.blocks * split / splits_, b1 = channel_blocks_.blocks * (split + 1) / splits_;
    const int64_t first = units_ * group / groups_;
    for (int64_t unit = first; unit < units_ * (group + 1) / groups_; ++unit) {
      Part part = part_of(unit);
      window_.pack(part, 0, z_.c, source, buffer);
      const int64_t run = window_.vectors(part) * kWidth;
      for (int64_t b = b0; b < b1; ++b) {
        const int64_t o = channel_blocks_.begin(b), count = channel_blocks_.begin(b + 1) - o;
        pack_gradient(part, o, o + count, run, gradient, buffer);
        for (int64_t t = 0; t < term_blocks_.blocks; ++t) {
          const int64_t term = term_blocks_.begin(t), width = term_blocks_.begin(t + 1) - term;
          tile_of<DotTiles>(count, width)(gradient, gradient_stride_, source,
                                          &offsets_[term], run, sums + o * terms_ + term * count, unit > first);
        }
      }
    }
  }

  // Adds the groups' sums for a block of channels and puts them where dW has them.
  void merge(int block, std::byte* scratch) const {
    const int64_t o = channel_blocks_.begin(block), count = channel_blocks_.begin(block + 1) - o;
    for (int64_t t = 0; t < term_blocks_.blocks; ++t) {
      const int64_t term = term_blocks_.begin(t), width = term_blocks_.begin(t + 1) - term;
      const int64_t at = o * terms_ + term * count;
      float total[kRegisterCount] = {};  // a tile's sums are held in registers
      for (int64_t group = 0; group < groups_; ++group) {
        const float* sums = partial(group, scratch) + at;
        for (int64_t i = 0; i < count * width; ++i) total[i] = group == 0 ? sums[i] : total[i] + sums[i];
      }
      for (int64_t i = 0; i < count; ++i)
        for (int64_t j = 0; j < width; ++j) dw_[(o + i) * terms_ + term + j] = total[i * width + j];
    }
  }

 private:
  // Positions of a unit, about: a tile's channels of dY stay in the nearest cache; but where few terms read them, whole
  // planes matter more, which memory gives faster than some rows of each.
  static constexpr int64_t kPositions = 1600, kFewTerms = 18, kPositionsOfFew = 4096;
  static constexpr int64_t kSourceFloats = 112000;  // packed, about: what the second-level cache holds beside dY
  static constexpr int64_t kMostGroups = 32, kEnoughTasks = 16, kEnoughUnits = 8;
  static constexpr int64_t kMostPartialFloats = int64_t{1} << 22;

  std::vector<Tap> taps() const {
    std::vector<Tap> taps;
    for (int64_t r = 0; r < z_.r; ++r)
      for (int64_t s = 0; s < z_.s; ++s) taps.push_back({r * z_.dh - z_.ph, s * z_.dw - z_.pw});
    return taps;
  }

  // Chooses images_ and row_blocks_ besides.
  Window make_window(const ConvSource& x) {
    std::vector<int64_t> down, right;
    for (const Tap& tap : taps()) {
      down.push_back(tap.down);
      right.push_back(tap.right);
    }
    Axis rows(z_.p, z_.h, z_.sh, down), cols(z_.q, z_.w, z_.sw, right);
    int64_t row_floats = cols.pitch() * z_.c * z_.sh * z_.sw;
    const int64_t positions = terms_ > kFewTerms ? kPositions : kPositionsOfFew;
    int64_t most = std::min(positions / cols.pitch(), kSourceFloats / row_floats - rows.span);
    images_ = std::clamp<int64_t>(most / rows.pitch(), 1, ceil_div(z_.n, kEnoughUnits));
    row_blocks_ = Cut(z_.p, std::clamp<int64_t>(most, 1, z_.p));
    return Window(x, z_.c, rows, cols, taps(), images_, ceil_div(z_.p, row_blocks_.blocks));
  }

  Part part_of(int64_t unit) const {
    if (images_ > 1) {
      int64_t n = z_.n * unit / units_;
      return {n, z_.n * (unit + 1) / units_ - n, 0, z_.p};
    }
    int64_t block = unit % row_blocks_.blocks, p = row_blocks_.begin(block);
    return {unit / row_blocks_.blocks, 1, p, row_blocks_.begin(block + 1) - p};
  }

  float* partial(int64_t group, std::byte* scratch) const {
    return reinterpret_cast<float*>(scratch + partial_at_) + group * z_.o * terms_;
  }

  void pack_gradient(const Part& part, int64_t o, int64_t o_end, int64_t run, float* to, float* buffer) const {
    const int64_t pitch = window_.cols().pitch(), image_pitch = window_.rows().pitch() * pitch;
    for (; o < o_end; ++o, to += gradient_stride_) {
      int64_t at = 0;
      for (int64_t i = 0; i < part.images; ++i) {
        for (const int64_t begin = i * image_pitch; at < begin; ++at) to[at] = 0;
        const float* from = dy_.read((part.n + i) * z_.o + o, part.p * z_.q, part.rows * z_.q, buffer);
        for (int64_t p = 0; p < part.rows; ++p, from += z_.q) {
          copy_run(from, z_.q, to + at);
          at += z_.q;
          if (p + 1 < part.rows)
            for (int64_t gap = z_.q; gap < pitch; ++gap) to[at++] = 0;
        }
      }
      for (; at < run; ++at) to[at] = 0;
    }
  }

  ConvShape z_;
  ConvSource dy_;
  float* dw_;
  int64_t terms_;  // elements of dW a channel: in channels by taps
  Cut channel_blocks_, term_blocks_, row_blocks_;
  int64_t images_ = 1;
  Window window_;
  std::vector<int64_t> offsets_;
  int64_t units_, groups_, splits_;
  int64_t gradient_stride_, source_floats_, buffer_at_;
  std::optional<Workspaces> places_;
  size_t partial_at_;
};

template <class Job>
void plan_weight_grad(const ConvShape& z, const ConvSource& dy, const ConvSource& x, float* dw, Plan& plan) {
  auto job = std::make_shared<const Job>(z, dy, x, dw, plan);
  plan.phase(job->tasks(), [job](int task, std::byte* scratch) { job->run(task, scratch); });
  plan.phase(job->merge_tasks(), [job](int task, std::byte* scratch) { job->merge(task, scratch); });
}

}  // namespace

void prepare_conv2d_weight_grad_by(ConvMethod method, const Node& node, Plan& plan) {
  const ConvShape z = conv_shape(node, node.in[1], node.out[0], node.in[0]);
  const WeightGradPrologues prologues = WeightGradPrologues::decode(node);
  const ConvSource dy(node, 0, prologues.dy), x(node, 1, prologues.x);
  float* dw = node.out[0].f32();
  switch (method) {
    case ConvMethod::direct: return plan_weight_grad<WeightGrad>(z, dy, x, dw, plan);
    case ConvMethod::winograd2: return plan_weight_grad<WinogradWeightGrad<2>>(z, dy, x, dw, plan);
    case ConvMethod::winograd4: return plan_weight_grad<WinogradWeightGrad<4>>(z, dy, x, dw, plan);
  }
}

void prepare_conv2d_weight_grad(const Node& node, Plan& plan) {
  prepare_conv2d_weight_grad_by(conv_method(conv_shape(node, node.in[1], node.out[0], node.in[0])), node, plan);
}

}  // namespace kantor::KANTOR_ISA
