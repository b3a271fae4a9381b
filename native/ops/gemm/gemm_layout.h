// How a product is cut into tasks. Depends on the shape and the instruction set only, never on the number of threads.
#pragma once
#include <cmath>

#include "ops/gemm/gemm_pack.h"

namespace kantor::KANTOR_ISA {
namespace {

inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// The widest block of a task, and the part of the vector side that a task works on at a time: its block's columns to a
// depth at which they stay in the second-level cache while all the block's rows pass by.
constexpr int64_t kBlockCols = 256;
constexpr int64_t kNearFloats = 96 << 10;
// Of those, what a task packs for itself, on its stack.
constexpr int64_t kTaskPackFloats = 32 << 10;

struct Layout {
  bool turned;  // the vector side is A: tiles are those of the transposed product
  int64_t row_blocks, panel_blocks;
  int64_t near_depth;    // of the part of the sum taken at a time
  int64_t first_packed;  // panels from here on are packed: all, or the last one if it is no whole number of vectors
  double cost;

  // With one block of rows each panel has one reader, which packs it as it goes. Otherwise a phase before does.
  bool packs_in_task() const { return row_blocks == 1; }
};

// The cheapest grid of blocks by a rough count of cycles on 2 and on 8 threads.
inline Layout choose_layout(const Side& rows, const Side& cols, int64_t depth, bool turned) {
  constexpr double kTileOverhead = 40, kTaskOverhead = 600, kPhaseOverhead = 4000;
  constexpr double kBytesPerCycle = 12, kPackedPerCycle = 1.5, kTurnedPerCycle = 1;
  constexpr int64_t kGrid = 64;  // more blocks are not considered
  int64_t panel_count = ceil_div(cols.extent, kTileCols);
  int64_t first_packed = cols.along_k ? 0 : cols.extent % kWidth != 0 ? panel_count - 1 : panel_count;
  double k = static_cast<double>(depth), packed = static_cast<double>(panel_count - first_packed) * kTileCols * k;
  Layout best = {turned, 0, 0, 0, 0, 0};
  int64_t fewest = ceil_div(panel_count * kTileCols, kBlockCols), most = std::min(panel_count, fewest + kGrid);
  for (int64_t panel_blocks = fewest; panel_blocks <= most; ++panel_blocks) {
    for (int64_t row_blocks = 1; row_blocks <= std::min(kGrid, rows.extent); ++row_blocks) {
      int64_t panels = ceil_div(panel_count, panel_blocks);
      int64_t near_depth = kNearFloats / (panels * kTileCols);
      if (row_blocks == 1 && first_packed < panel_count) {
        int64_t packed_panels = std::min(panels, panel_count - first_packed);
        near_depth = std::min(near_depth, kTaskPackFloats / (packed_panels * kTileCols));
      }
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
