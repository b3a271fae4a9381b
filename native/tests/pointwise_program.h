// Programs of ops/pointwise/pointwise.h by hand, for the tests of pointwise, reduce and gemm.
#pragma once
#include <algorithm>
#include <vector>

#include "ops/pointwise/pointwise.h"
#include "support.h"

namespace kantor::test {

struct PwText {
  int64_t rows, cols;
  std::vector<PwOperand> operands;
  int stores;
  std::vector<PwInstruction> code;

  // The words, after those of the op that surrounds the program.
  std::vector<int64_t> attributes(std::vector<int64_t> words = {}) const {
    words.insert(words.end(), {rows, cols, static_cast<int64_t>(operands.size())});
    for (const PwOperand& o : operands) words.insert(words.end(), {o.period, o.row_stride, o.col_stride});
    words.insert(words.end(), {stores, static_cast<int64_t>(code.size())});
    for (const PwInstruction& i : code)
      words.push_back(static_cast<int64_t>(static_cast<uint64_t>(i.op) | uint64_t{i.dst} << 8 | uint64_t{i.a} << 16 |
                                           uint64_t{i.b} << 24 | static_cast<uint64_t>(bits(i.imm)) << 32));
    return words;
  }
};

// How many elements the operand's tensor must have.
inline int64_t extent_of(const PwOperand& o, int64_t rows, int64_t cols) {
  return (std::min(o.period, rows) - 1) * o.row_stride + (cols - 1) * o.col_stride + 1;
}

// The ways to read an operand over rows x cols.
inline std::vector<PwOperand> operand_modes(int64_t rows, int64_t cols) {
  std::vector<PwOperand> modes = {
      {rows, cols, 1},      // elementwise
      {1, 0, 0},            // a scalar
      {1, 0, 1},            // a value a column
      {rows, 1, 0},         // a value a row
      {rows, 1, rows},      // transposed
      {rows, cols + 5, 1},  // the left part of wider rows
      {rows, 3, 0},         // a value a row, spaced
      {1, 0, 2},            // every other value a column
  };
  for (int64_t period : {2, 3, 5})
    if (rows % period == 0) {
      modes.push_back({period, 1, 0});     // a value a channel
      modes.push_back({period, cols, 1});  // a repeated block
    }
  return modes;
}

}  // namespace kantor::test
