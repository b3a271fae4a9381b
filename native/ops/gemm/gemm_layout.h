// How a product is cut into tasks. Depends on the shape and the instruction set only, never on the number of threads.
#pragma once
#include <cmath>

#include "ops/gemm/gemm_pack.h"

namespace kantor::KANTOR_ISA {
namespace {

inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// The widest block of a task, and the bytes of the vector side that a task works on at a time: its block's columns to a depth at
// which they stay in the second-level cache while all the block's rows pass by.
constexpr int64_t kBlockCols = 256;
constexpr int64_t kNearBytes = 384 << 10;

struct Layout {
  bool turned;  // the vector side is A: tiles are those of the transposed product
  int64_t row_blocks, panel_blocks;
  int64_t near_depth;    // of the part of the sum taken at a time
  int64_t first_packed;  // panels from here on are packed: all of them, or the last one if it is no whole number of vectors
  double cost;

  // With one block of rows each panel has one reader, which packs it; otherwise a phase of its own does.
  bool packs_in_task() const { return row_blocks == 1; }
};

// The cheapest grid of blocks by a rough count of cycles on 2 and on 8 threads.
inline Layout choose_layout(const Side& rows, const Side& cols, int64_t depth, bool turned) {
  constexpr double kTileOverhead = 40, kTaskOverhead = 600, kPhaseOverhead = 4000;
  constexpr double kBytesPerCycle = 12, kPackedPerCycle = 2, kTurnedPerCycle = 1.5;
  int64_t panel_count = ceil_div(cols.extent, kTileCols);
  int64_t first_packed = cols.along_k ? 0 : cols.extent % kWidth != 0 ? panel_count - 1 : panel_count;
  double k = static_cast<double>(depth), packed = static_cast<double>(panel_count - first_packed) * kTileCols * k;
  Layout best = {turned, 0, 0, 0, 0, 0};
  for (int64_t panel_blocks = ceil_div(panel_count * kTileCols, kBlockCols); panel_blocks <= panel_count; ++panel_blocks) {
    for (int64_t row_blocks = 1; row_blocks <= std::min<int64_t>(64, rows.extent); ++row_blocks) {
      int64_t panels = ceil_div(panel_count, panel_blocks);
      int64_t near_depth = std::max<int64_t>(256, kNearBytes / (panels * kTileCols * 4));
      near_depth = ceil_div(depth, ceil_div(depth, near_depth));
      Layout layout = {turned, row_blocks, panel_blocks, near_depth, first_packed, 0};
      double tasks = static_cast<double>(row_blocks * panel_blocks);
      double height = static_cast<double>(rows.extent) / static_cast<double>(row_blocks);
      double width = static_cast<double>(ceil_div(cols.extent, kWidth) * kWidth) / static_cast<double>(panel_blocks);
      double tiles = std::ceil(height / kTileRows) * static_cast<double>(panels * ceil_div(depth, near_depth));
      double task = kTaskOverhead + tiles * kTileOverhead + height * width * k / (2 * kWidth) +
                    (height + width) * k * 4 / kBytesPerCycle;
      if (turned) task += height * width / kTurnedPerCycle;
      if (layout.packs_in_task()) task += packed / kPackedPerCycle / tasks;
      double largest = static_cast<double>(panels * kTileCols) / width * std::ceil(height) / height;
      for (double threads : {2.0, 8.0}) {
        layout.cost += task * (std::ceil(tasks / threads) + largest - 1);
        if (packed > 0 && !layout.packs_in_task()) layout.cost += kPhaseOverhead + packed / kPackedPerCycle / threads;
      }
      if (best.row_blocks == 0 || layout.cost < best.cost) best = layout;
    }
  }
  return best;
}

// In how many pieces the sum over depth is taken: several if there are too few tiles for the threads.
inline int64_t choose_splits(int64_t rows, int64_t cols, int64_t depth) {
  constexpr int64_t kEnoughTiles = 4, kWorthwhile = 512;
  if (ceil_div(rows, kTileRows) * ceil_div(cols, kTileCols) >= kEnoughTiles) return 1;
  return std::clamp<int64_t>(depth / kWorthwhile, 1, 8);
}

}  // namespace
}  // namespace kantor::KANTOR_ISA
