#include "ops/pointwise/pointwise_eval.h"
#include "ops/reduce/reduce.h"

namespace kantor::KANTOR_ISA {
namespace {

constexpr int64_t kTaskElements = 16384;
constexpr int64_t kStrip = 64;       // columns summed side by side
constexpr int64_t kMaxGroups = 512;  // sums that one task keeps

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Of at most PwKernel::kBlock values.
float sum_of(const float* p, int64_t n) {
  Vec lanes[4] = {};
  int64_t i = 0;
  for (; i + 4 * kWidth <= n; i += 4 * kWidth)
    for (int k = 0; k < 4; ++k) lanes[k] += load(p + i + k * kWidth);
  for (; i + kWidth <= n; i += kWidth) lanes[0] += load(p + i);
  if (i < n) lanes[1] += load_partial(p + i, n - i);
  return sum((lanes[0] + lanes[1]) + (lanes[2] + lanes[3]));
}

// totals[c] += the sum of column c of the tile.
void add_columns(const PwKernel::Tile& tile, double* totals) {
  for (int64_t c = 0; c < tile.area.cols; c += kWidth) {
    const int64_t n = std::min<int64_t>(kWidth, tile.area.cols - c);
    Vec column{};
    for (int64_t r = 0; r < tile.area.rows; ++r) {
      const float* p = tile.value + r * tile.stride + c;
      column += n == kWidth ? load(p) : load_partial(p, n);
    }
    for (int64_t i = 0; i < n; ++i) totals[c + i] += static_cast<double>(column[i]);
  }
}

// Where the sums of the pieces go: straight to the result where there is one piece, else to scratch, one row of
// `count` a piece.
struct Sums {
  int64_t pieces, count;
  double scale;
  float* out;
  size_t scratch;

  void put(int64_t piece, int64_t i, double total, std::byte* base) const {
    if (pieces == 1) out[i] = static_cast<float>(scale * total);
    else reinterpret_cast<double*>(base + scratch)[piece * count + i] = total;
  }
  void add_last_phase(Plan& plan) const {
    if (pieces == 1) return;
    const Sums s = *this;
    static constexpr int64_t kCount = 512;
    plan.phase(static_cast<int>(ceil_div(count, kCount)), [s](int task, std::byte* base) {
      const int64_t first = task * kCount, n = std::min(kCount, s.count - first);
      double totals[kCount] = {};
      const double* partial = reinterpret_cast<const double*>(base + s.scratch) + first;
      for (int64_t piece = 0; piece < s.pieces; ++piece, partial += s.count)
        for (int64_t i = 0; i < n; ++i) totals[i] += partial[i];
      for (int64_t i = 0; i < n; ++i) s.out[first + i] = static_cast<float>(s.scale * totals[i]);
    });
  }
};
Sums sums_in(const Node& node, Plan& plan, int64_t pieces) {
  const int64_t count = node.out[0].count();
  return {pieces, count, node.attribute_f32(1), node.out[0].f32(), pieces > 1 ? plan.scratch(8 * pieces * count) : 0};
}

// Tasks: strips of columns over all rows where that is little enough, else pieces of the rows over all columns.
void prepare_columns(const Node& node, Plan& plan, const PwKernel& kernel) {
  const int64_t rows = kernel.rows(), cols = kernel.cols();
  const bool whole = rows * std::min(cols, kStrip) <= 2 * kTaskElements;
  const int64_t height = whole ? rows : std::max(kStrip, kTaskElements / cols), pieces = ceil_div(rows, height);
  const int64_t strips = ceil_div(cols, kStrip);
  const int64_t strips_a_task = whole ? std::max<int64_t>(1, kTaskElements / 2 / (kStrip * rows)) : strips;
  const int64_t across = ceil_div(strips, strips_a_task);
  const Sums sums = sums_in(node, plan, pieces);
  plan.phase(static_cast<int>(pieces * across), [=](int task, std::byte* scratch) {
    const int64_t piece = task / across, row = piece * height, first = task % across * strips_a_task * kStrip;
    for (int64_t col = first; col < std::min(cols, first + strips_a_task * kStrip); col += kStrip) {
      const int64_t n = std::min(kStrip, cols - col);
      double totals[kStrip] = {};
      kernel.run_with_result({row, std::min(height, rows - row), col, n},
                             [&](const PwKernel::Tile& tile) { add_columns(tile, totals); });
      for (int64_t i = 0; i < n; ++i) sums.put(piece, col + i, totals[i], scratch);
    }
  });
  sums.add_last_phase(plan);
}

// Rows r of a group of sums have the same r % groups: all rows (1 group), each row for itself, or the rows of a
// channel. A piece is a range of columns of a range of samples (rows / groups); a task is a piece of some
// neighbouring groups.
void prepare_groups(const Node& node, Plan& plan, const PwKernel& kernel, int64_t groups) {
  const int64_t cols = kernel.cols(), samples = kernel.rows() / groups;
  const int64_t width = cols <= 2 * kTaskElements ? cols : kTaskElements, across = ceil_div(cols, width);
  const bool whole = samples * cols <= 2 * kTaskElements;
  const int64_t depth = whole ? samples : std::max<int64_t>(1, kTaskElements / width), deep = ceil_div(samples, depth);
  const int64_t groups_a_task = std::clamp<int64_t>(kTaskElements / (depth * width), 1, std::min(groups, kMaxGroups));
  const int64_t blocks = ceil_div(groups, groups_a_task);
  const Sums sums = sums_in(node, plan, deep * across);
  plan.phase(static_cast<int>(deep * across * blocks), [=](int task, std::byte* scratch) {
    const int64_t piece = task / blocks, col = piece % across * width;
    const int64_t sample = piece / across * depth, end = std::min(samples, sample + depth);
    const int64_t first = task % blocks * groups_a_task, n = std::min(groups_a_task, groups - first);
    double totals[kMaxGroups] = {};
    auto add = [&](const PwKernel::Tile& tile) {
      int64_t group = tile.area.row % groups;
      for (int64_t r = 0; r < tile.area.rows; ++r) {
        totals[group - first] += sum_of(tile.value + r * tile.stride, tile.area.cols);
        if (++group == groups) group = 0;
      }
    };
    const int64_t cols_here = std::min(width, cols - col);
    if (n == groups) {
      kernel.run_with_result({sample * groups, (end - sample) * groups, col, cols_here}, add);
    } else {
      for (int64_t s = sample; s < end; ++s) kernel.run_with_result({s * groups + first, n, col, cols_here}, add);
    }
    for (int64_t i = 0; i < n; ++i) sums.put(piece, first + i, totals[i], scratch);
  });
  sums.add_last_phase(plan);
}

}  // namespace

void prepare_reduce(const Node& node, Plan& plan) {
  const auto kind = static_cast<ReduceKind>(node.attributes[0]);
  size_t position = 4;
  const PwProgram program = PwProgram::decode(node, &position, 0, 1, false);
  const PwKernel kernel(program, node.in.data(), node.out.data() + 1,
                        {.flatten = kind == ReduceKind::all, .result = static_cast<int>(node.attributes[2])});
  switch (kind) {
    case ReduceKind::all: return prepare_groups(node, plan, kernel, 1);
    case ReduceKind::rows: return prepare_groups(node, plan, kernel, kernel.rows());
    case ReduceKind::columns: return prepare_columns(node, plan, kernel);
    case ReduceKind::channels: return prepare_groups(node, plan, kernel, node.attributes[3]);
  }
}

}  // namespace kantor::KANTOR_ISA
