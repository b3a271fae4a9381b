// Evaluates a pointwise program on rectangles of its domain: the body of pointwise, the prologue of reduce and of the
// convolutions, the epilogue of gemm and others. For *_cpu.cpp files only; f32.
//
//   PwKernel kernel(program, node.in.data() + first_in, node.out.data() + first_out, {...});   in prepare: allocates
//   kernel.run({row, rows, col, cols});                    in a task: allocates nothing; any thread, any rectangle
//   kernel.run({row, rows, col, cols}, acc, stride);       gemm: acc[r * stride + c] belongs to (row + r, col + c)
//   kernel.run_with_result(area, use);                     reduce: use(tile) for each tile, with the result register
//   kernel.run_to(area, acc, stride, to, to_stride);       a prologue: the result register's values
//
// The rectangle is walked in tiles of up to kBlock elements. Each instruction is one call for a whole tile (a few
// ns), so a caller with many short rows (a gemm tile of 8 x 32, say) hands over the whole rectangle, not row by row.
// Common neighbours (a product and a sum, a sum and an activation, a mask and a product) are one function.
// What a program reads from memory it reads in place, what it stores it computes in place, where that cannot be told
// apart from copies; values that depend on the row or on the column alone are computed once a tile for one column or
// row and spread when used.
#pragma once
#include <algorithm>
#include <vector>

#include "ops/pointwise/pointwise.h"
#include "ops/simd.h"

namespace kantor::KANTOR_ISA {

// What one instruction does to a tile: d[r, c] = op(a[r, c], b[r, c], c[r, c]) over rows x cols. Rows lie a stride
// apart.
struct PwArguments {
  const float* source[3];
  int64_t source_stride[3];
  int64_t source_column_stride;  // of a gathering input only
  float* target;
  int64_t target_stride;
  int64_t rows, cols;
  float imm;
};
using PwFunction = void (*)(const PwArguments&);

// What one function does besides an instruction, so that a tile is gone through once for both.
enum class PwFused {
  none,
  relu,        // of the result of add or mul_add
  leaky_relu,  // of the result of add or mul_add, with slope imm
  mask,        // mul by b > 0 ? 1 : imm in place of b
};

// The function of a computing instruction; of Pw::input, a copy. A spread source has one value a row.
PwFunction pw_function(Pw op, PwFused fused, const bool (&spread)[3]);

class PwKernel {
 public:
  struct Options {
    // Turns the domain into one long row where every operand is elementwise or a scalar. rows() and cols() then say so.
    bool flatten = false;
    // The output whose memory the accumulator lies in, element upon element; -1: the accumulator overlaps no output.
    int accumulator_output = -1;
    // The register that run_with_result hands over, or run_to writes; -1: none.
    int result = -1;
    bool result_to = false;  // run_to will be used, not run_with_result
  };
  struct Area {
    int64_t row, rows, col, cols;
  };
  // A piece of the area, and the result register's values there: value[r * stride + c]. At most kBlock elements.
  struct Tile {
    Area area;
    const float* value;
    int64_t stride;
  };
  static constexpr int64_t kBlock = 512;

  // operands and outputs are read here and not kept. Their memory must stay.
  PwKernel(const PwProgram& program, const Tensor* operands, const Tensor* outputs, Options options);

  // The domain that areas refer to.
  int64_t rows() const { return rows_; }
  int64_t cols() const { return cols_; }

  void run(const Area& area, const float* accumulator = nullptr, int64_t accumulator_stride = 0) const {
    Frame frame;
    enter(frame, accumulator_stride);
    for_tiles(area, [&](const Area& tile) { evaluate(frame, area, tile, accumulator); });
  }

  template <class Use>
  void run_with_result(const Area& area, Use use) const {
    Frame frame;
    enter(frame, 0);
    for_tiles(area, [&](const Area& tile) {
      evaluate(frame, area, tile, nullptr);
      use(Tile{tile, address(result_, frame), stride(result_, frame)});
    });
  }

  // The result at (row + r, col + c) goes to to[r * to_stride + c], which overlaps nothing that the program reads.
  void run_to(const Area& area, const float* accumulator, int64_t accumulator_stride, float* to,
              int64_t to_stride) const {
    Frame frame;
    enter(frame, accumulator_stride);
    frame.result_stride = to_stride;
    for_tiles(area, [&](const Area& tile) {
      frame.place[kResultPlace] = to + (tile.row - area.row) * to_stride + (tile.col - area.col);
      evaluate(frame, area, tile, accumulator);
    });
  }

 private:
  // Registers live at once, the one being computed, and the result spread over a tile.
  static constexpr int kBuffers = kRegisters + 2;
  static constexpr int kPlaces = kBuffers + kMaxPwOperands + kMaxPwStores + 3;
  static constexpr int kAccumulatorPlace = kPlaces - 3, kConstantsPlace = kPlaces - 2, kResultPlace = kPlaces - 1;
  static constexpr int64_t kTileStride = -1, kAccumulatorStride = -2, kResultStride = -3;

  // Where a value lies in a tile: an address that the frame has, an offset, and the distance of its rows.
  struct Location {
    int place = 0;
    int offset = 0;
    int64_t stride = 0;
  };
  // What a value depends on: only then it differs along the rows, or the columns.
  struct Extent {
    bool by_row, by_col;
  };
  struct Step {
    PwFunction function;
    Location source[3], target;
    int64_t source_column_stride;
    Extent extent;
    float imm;
  };
  struct Memory {  // an operand or an output
    int place;
    float* data;
    int64_t period;  // 0: the rows do not repeat
    int64_t row_stride, col_stride;
  };
  struct Frame {
    alignas(64) float buffer[kBuffers][kBlock];
    float* place[kPlaces];
    int64_t tile_stride, accumulator_stride, result_stride;
  };
  class Builder;

  static float* address(const Location& at, const Frame& frame) { return frame.place[at.place] + at.offset; }
  static int64_t stride(const Location& at, const Frame& frame) {
    if (at.stride >= 0) return at.stride;
    return at.stride == kTileStride         ? frame.tile_stride
           : at.stride == kAccumulatorStride ? frame.accumulator_stride
                                             : frame.result_stride;
  }
  void enter(Frame& frame, int64_t accumulator_stride) const;
  void evaluate(Frame& frame, const Area& area, const Area& tile, const float* accumulator) const;

  template <class Body>
  void for_tiles(const Area& area, Body body) const {
    // Equal widths, rather than full ones and a rest.
    int64_t across = (area.cols + kBlock - 1) / kBlock;
    int64_t width = ((area.cols + across - 1) / across + kWidth - 1) / kWidth * kWidth;
    for (int64_t r = area.row, height; r < area.row + area.rows; r += height) {
      height = tile_rows(r, area.row + area.rows - r, width);
      for (int64_t c = area.col; c < area.col + area.cols; c += width)
        body(Area{r, height, c, std::min(width, area.col + area.cols - c)});
    }
  }
  int64_t tile_rows(int64_t row, int64_t rows_left, int64_t width) const {
    int64_t n = std::min(rows_left, kBlock / width);
    for (const Memory& m : memory_)
      if (m.period > 0) n = std::min(n, m.period - row % m.period);
    return n;
  }

  int64_t rows_, cols_;
  std::vector<Step> steps_;
  std::vector<Memory> memory_;
  std::vector<float> constants_;
  Location result_;
};

}  // namespace kantor::KANTOR_ISA
