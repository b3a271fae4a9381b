// The product as tasks over blocks of C. A block is computed in register tiles (gemm_microkernel.h), one side read as
// vectors and one by broadcast; which is which, and the cut into blocks, gemm_layout.h decides from the shape.
#include "ops/gemm/gemm.h"

#include <memory>

#include "ops/gemm/gemm_dot.h"
#include "ops/gemm/gemm_epilogue.h"
#include "ops/gemm/gemm_layout.h"

namespace kantor::KANTOR_ISA {
namespace {

constexpr int64_t kPackDepth = 512;     // a packing task's share of a panel
constexpr int64_t kRowDepth = 1024;             // of rows that a tile copies, at most
constexpr int64_t kRowStride = kRowDepth + 16;  // their distance in the copy: a line more than a multiple of 4 KB
constexpr int64_t kStripFloats = 8192;  // 32 KB: rows of a block on their way to the output
constexpr int64_t kMergeSegment = 256;  // elements of a row that are summed over the splits at a time
constexpr int64_t kMergeTasks = 16;
constexpr int64_t kDotTaskFloats = 32 << 10;  // of the matrix, for a task of dot products
constexpr int64_t kDotTaskRows = 256;         // at most

struct Job {
  Side rows, cols;  // broadcast side, vector side
  int64_t depth, splits;
  Layout layout;
  float* out;
  int64_t out_rows, out_cols;
  // In scratch: the packed panels, the splits' partial products, and blocks that are not finished in one go.
  size_t packed_at, partial_at, blocks_at;
  Epilogue epilogue;

  int64_t panel_count() const { return ceil_div(cols.extent, kTileCols); }
  float* packed_panel(std::byte* scratch, int64_t panel) const {
    return reinterpret_cast<float*>(scratch + packed_at) + (panel - layout.first_packed) * depth * kTileCols;
  }
  float* partial(std::byte* scratch, int64_t split) const {
    return reinterpret_cast<float*>(scratch + partial_at) + split * out_rows * out_cols;
  }
};

// One task's share: rows [r0, r1) and panels [p0, p1) of the tiled product, the sum over k in [k0, k1).
struct Block {
  int64_t r0, r1, p0, p1, k0, k1;
  int64_t col, width, padded;  // its columns, and their number up to whole vectors
  float* target;          // where the finished elements go, laid out as the output; null if the epilogue takes them
  float* own;             // room for (r1 - r0) * padded floats, if they are not finished in one go
  const float* packed;    // the first of the block's packed panels, at the current k
  ptrdiff_t packed_size;  // of one panel

  bool in_one_go(const Layout& layout) const { return k1 - k0 <= layout.near_depth; }
};

// Adds the sum over k in [k, k_end) to rows [r, r_end) of a block; the strip's row i starts at strip + i * stride.
void compute_strip(const Job& job, const Block& block, int64_t k, int64_t k_end, int64_t r, int64_t r_end, float* strip,
                   ptrdiff_t stride) {
  int64_t first_packed = std::max(block.p0, job.layout.first_packed);
  int64_t tiles = ceil_div(r_end - r, kTileRows);
  // A tile walks its rows side by side; rows that alias push each other out of the cache at every step.
  bool copies = job.rows.along_k && aliases(job.rows.stride) && block.p1 - block.p0 > 1 && k_end - k <= kRowDepth;
  alignas(64) float rows[kTileRows * kRowStride];
  for (int64_t t = 0; t < tiles; ++t) {
    int64_t begin = (r_end - r) * t / tiles, end = (r_end - r) * (t + 1) / tiles;
    if (copies)
      for (int64_t i = begin; i < end; ++i)
        std::memcpy(rows + (i - begin) * kRowStride, job.rows.at(r + i, k), static_cast<size_t>(k_end - k) * sizeof(float));
    for (int64_t p = block.p0; p < block.p1; ++p) {
      int64_t col = p * kTileCols;
      int vectors = static_cast<int>(std::min<int64_t>(kTileVectors, ceil_div(job.cols.extent - col, kWidth)));
      bool packed = p >= first_packed;
      const float* panel = packed ? block.packed + (p - first_packed) * block.packed_size : job.cols.at(col, k);
      TileFunction tile = tile_function(static_cast<int>(end - begin), vectors, job.rows.along_k);
      tile(copies ? rows : job.rows.at(r + begin, k), copies ? kRowStride : job.rows.stride, panel,
           packed ? kTileCols : job.cols.stride, k_end - k, strip + begin * stride + (p - block.p0) * kTileCols, stride,
           k > block.k0);
    }
  }
}

// Takes finished rows [r, r_end), which are the output's.
void finish_straight(const Job& job, const Block& block, int64_t r, int64_t r_end, const float* strip) {
  if (block.target == nullptr) {
    job.epilogue.run({r, r_end - r, block.col, block.width}, strip, block.padded);
    return;
  }
  for (int64_t i = r; i < r_end; ++i)
    std::memcpy(block.target + i * job.out_cols + block.col, strip + (i - r) * block.padded,
                static_cast<size_t>(block.width) * sizeof(float));
}

// Takes finished rows [r, r_end), which are the output's columns.
void finish_turned(const Job& job, const Block& block, int64_t r, int64_t r_end, const float* strip) {
  int64_t height = r_end - r;
  if (block.target != nullptr) {
    transpose_copy(strip, block.padded, height, block.width, block.target + block.col * job.out_cols + r, job.out_cols,
                   false);
    return;
  }
  alignas(64) float turned[kStripFloats];
  transpose_copy(strip, block.padded, height, block.width, turned, height, false);
  job.epilogue.run({block.col, block.width, r, height}, turned, height);
}

void compute_block(const Job& job, Block& block, std::byte* scratch) {
  const Layout& layout = job.layout;
  bool direct = !layout.turned && block.target != nullptr && block.width == block.padded;
  int64_t group = layout.turned ? kStripFloats / block.padded / kWidth * kWidth : kTileRows;
  int64_t first_packed = std::max(block.p0, layout.first_packed);
  alignas(64) float packed[kTaskPackFloats];
  alignas(64) float near_strip[kStripFloats];
  for (int64_t k = block.k0; k < block.k1; k += layout.near_depth) {
    int64_t k_end = std::min(k + layout.near_depth, block.k1);
    block.packed_size = (layout.packs_in_task() ? layout.near_depth : job.depth) * kTileCols;
    block.packed = layout.packs_in_task() ? packed : job.packed_panel(scratch, first_packed) + k * kTileCols;
    if (layout.packs_in_task())
      for (int64_t p = first_packed; p < block.p1; ++p)
        pack_panel(job.cols, p, k, k_end, packed + (p - first_packed) * block.packed_size);
    for (int64_t r = block.r0, r_end; r < block.r1; r = r_end) {
      // Equal groups of rows, rather than full ones and a rest.
      r_end = r + (block.r1 - r) / ceil_div(block.r1 - r, group);
      float* strip = direct                    ? block.target + r * job.out_cols + block.col
                     : block.in_one_go(layout) ? near_strip
                                               : block.own + (r - block.r0) * block.padded;
      compute_strip(job, block, k, k_end, r, r_end, strip, direct ? job.out_cols : block.padded);
      if (direct || k_end < block.k1) continue;
      if (layout.turned)
        finish_turned(job, block, r, r_end, strip);
      else
        finish_straight(job, block, r, r_end, strip);
    }
  }
}

void run_block(const Job& job, int task, std::byte* scratch) {
  const Layout& layout = job.layout;
  int64_t row_block = task % layout.row_blocks;
  int64_t panel_block = task / layout.row_blocks % layout.panel_blocks;
  int64_t split = task / layout.row_blocks / layout.panel_blocks;
  Block block;
  block.r0 = job.rows.extent * row_block / layout.row_blocks;
  block.r1 = job.rows.extent * (row_block + 1) / layout.row_blocks;
  block.p0 = job.panel_count() * panel_block / layout.panel_blocks;
  block.p1 = job.panel_count() * (panel_block + 1) / layout.panel_blocks;
  block.k0 = job.depth * split / job.splits;
  block.k1 = job.depth * (split + 1) / job.splits;
  block.col = block.p0 * kTileCols;
  block.width = std::min(block.p1 * kTileCols, job.cols.extent) - block.col;
  block.padded = ceil_div(block.width, kWidth) * kWidth;
  block.target = job.splits > 1 ? job.partial(scratch, split) : job.epilogue.copies() ? job.out : nullptr;
  int64_t padded_cols = ceil_div(job.cols.extent, kWidth) * kWidth;
  block.own = reinterpret_cast<float*>(scratch + job.blocks_at) + split * job.rows.extent * padded_cols +
              block.r0 * padded_cols + (block.r1 - block.r0) * block.col;
  compute_block(job, block, scratch);
}

void run_pack(const Job& job, int task, std::byte* scratch) {
  int64_t pieces = ceil_div(job.depth, kPackDepth);
  int64_t p = job.layout.first_packed + task / pieces;
  int64_t k = task % pieces * kPackDepth;
  pack_panel(job.cols, p, k, std::min(k + kPackDepth, job.depth), job.packed_panel(scratch, p) + k * kTileCols);
}

// Adds the splits' partial products in their order.
void run_merge(const Job& job, int task, int tasks, std::byte* scratch) {
  int64_t segments = ceil_div(job.out_cols, kMergeSegment);
  int64_t units = segments * job.out_rows;
  for (int64_t unit = units * task / tasks; unit < units * (task + 1) / tasks; ++unit) {
    int64_t row = unit / segments, col = unit % segments * kMergeSegment;
    int64_t count = std::min(kMergeSegment, job.out_cols - col);
    alignas(64) float sum[kMergeSegment];
    for (int64_t split = 0; split < job.splits; ++split) {
      const float* part = job.partial(scratch, split) + row * job.out_cols + col;
      for (int64_t i = 0; i < count; ++i) sum[i] = split == 0 ? part[i] : sum[i] + part[i];
    }
    if (job.epilogue.copies())
      std::memcpy(job.out + row * job.out_cols + col, sum, static_cast<size_t>(count) * sizeof(float));
    else
      job.epilogue.run({row, 1, col, count}, sum, kMergeSegment);
  }
}

// One row of dot products: x times each row of side.
void prepare_dots(const Side& side, const float* x, int64_t depth, const Epilogue& epilogue, Plan& plan) {
  int64_t rows = std::clamp<int64_t>(kDotTaskFloats / depth / kWidth * kWidth, kWidth, kDotTaskRows);
  plan.phase(static_cast<int>(ceil_div(side.extent, rows)), [=](int task, std::byte*) {
    alignas(64) float y[kDotTaskRows];
    int64_t begin = task * rows, count = std::min(rows, side.extent - begin);
    for (int64_t i = 0; i < count; i += kWidth)
      dot_rows(side, begin + i, std::min<int64_t>(kWidth, count - i), x, depth, y + i);
    epilogue.run({0, 1, begin, count}, y, kDotTaskRows);
  });
}

// Makes the program of a column that of a row, if each of its operands allows it.
bool turn_column(PwProgram& program) {
  for (const PwOperand& o : program.operands)
    if (o.period > 1 && o.period < program.rows) return false;
  for (PwOperand& o : program.operands) o = {1, program.rows, o.period > 1 ? o.row_stride : 0};
  std::swap(program.rows, program.cols);
  return true;
}

}  // namespace

void prepare_gemm(const Node& node, Plan& plan) {
  bool transpose_a = node.attributes[0] != 0, transpose_b = node.attributes[1] != 0;
  size_t position = 2;
  PwProgram program = PwProgram::decode(node, &position, 2, 0, true);
  int64_t depth = node.in[0].dims[!transpose_a];
  auto side = [&](size_t input, int64_t extent, bool along_k) {
    along_k = along_k && depth > 1;  // a vector lies either way
    return Side{node.in[input].f32(), extent, along_k ? depth : extent, along_k};
  };
  Side a = side(0, program.rows, !transpose_a), b = side(1, program.cols, transpose_b);
  // A column is computed as a row, whose elements lie as vectors.
  if (program.cols == 1 && turn_column(program)) std::swap(a, b);
  Epilogue epilogue(program, node.in.data() + 2, node.out.data());
  if (a.extent == 1 && b.along_k) {
    prepare_dots(b, a.data, depth, epilogue, plan);
    return;
  }
  Layout layout = choose_layout(a, b, depth, false), turned = choose_layout(b, a, depth, true);
  if (turned.cost < layout.cost) {
    layout = turned;
    std::swap(a, b);
  }
  int64_t splits = choose_splits(a.extent, b.extent, depth);

  auto floats = [&](int64_t count) { return plan.scratch(static_cast<size_t>(count) * sizeof(float)); };
  int64_t packed_panels = ceil_div(b.extent, kTileCols) - layout.first_packed;
  bool packing_phase = packed_panels > 0 && !layout.packs_in_task();
  size_t packed_at = packing_phase ? floats(packed_panels * depth * kTileCols) : 0;
  size_t partial_at = splits > 1 ? floats(splits * program.rows * program.cols) : 0;
  bool in_one_go = ceil_div(depth, splits) <= layout.near_depth;
  size_t blocks_at = in_one_go ? 0 : floats(splits * a.extent * ceil_div(b.extent, kWidth) * kWidth);
  auto job = std::make_shared<Job>(Job{a, b, depth, splits, layout, node.out[0].f32(), program.rows, program.cols,
                                       packed_at, partial_at, blocks_at, std::move(epilogue)});

  if (packing_phase)
    plan.phase(static_cast<int>(packed_panels * ceil_div(depth, kPackDepth)),
               [job](int task, std::byte* scratch) { run_pack(*job, task, scratch); });
  plan.phase(static_cast<int>(layout.row_blocks * layout.panel_blocks * splits),
             [job](int task, std::byte* scratch) { run_block(*job, task, scratch); });
  if (splits > 1) {
    int tasks = static_cast<int>(std::min(program.rows * ceil_div(program.cols, kMergeSegment), kMergeTasks));
    plan.phase(tasks, [job, tasks](int task, std::byte* scratch) { run_merge(*job, task, tasks, scratch); });
  }
}

}  // namespace kantor::KANTOR_ISA
