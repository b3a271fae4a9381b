// Some rows of an image between two layers of a chain, pixel by pixel.
//
// Channels lie in blocks of `width`, the vector's width, or all of them if they are fewer. Of a block, the pixels of a row
// follow each other, each with its channels, between columns of zeros that the next layer's kernel reaches over; rows
// follow each other. Rows are numbered as the image's; those before its first and after its last are zeros too.
#pragma once
#include <algorithm>
#include <cstring>

#include "ops/conv2d/conv_tile.h"

namespace kantor::KANTOR_ISA {
namespace {

struct Rows {
  int64_t begin, end;
};

class Lines {
 public:
  // left, right: the columns of zeros. capacity: how many rows there is room for.
  Lines(int64_t channels, int64_t rows, int64_t cols, int64_t left, int64_t right, int64_t capacity)
      : channels_(channels),
        rows_(rows),
        cols_(cols),
        left_(left),
        width_(std::min<int64_t>(channels, kWidth)),
        pitch_((left + cols + right) * width_),
        capacity_(capacity),
        block_size_((round_up(capacity * pitch_, 16) / 16 | 1) * 16) {}  // odd lines: blocks meet in few sets of the cache

  int64_t channels() const { return channels_; }
  int64_t rows() const { return rows_; }
  int64_t cols() const { return cols_; }
  int64_t width() const { return width_; }
  int64_t blocks() const { return ceil_div(channels_, width_); }
  int64_t pitch() const { return pitch_; }  // in floats, as all sizes here
  int64_t block_size() const { return block_size_; }
  int64_t size() const { return blocks() * block_size_; }
  int64_t capacity() const { return capacity_; }
  // Of a channel, in its block's first pixel.
  int64_t channel(int64_t c) const { return c / width_ * block_size_ + c % width_; }
  // Of the image's first column in row `row` of `held`.
  int64_t row(int64_t row, const Rows& held) const { return (row - held.begin) * pitch_ + left_ * width_; }

  void clear_rows(float* lines, const Rows& held, const Rows& which) const {
    for (int64_t b = 0; b < blocks(); ++b)
      std::fill_n(lines + b * block_size_ + (which.begin - held.begin) * pitch_, (which.end - which.begin) * pitch_, 0.0f);
  }
  // Around the pixels of rows that are to be computed.
  void clear_sides(float* lines, const Rows& held, const Rows& which) const {
    const int64_t left = left_ * width_, right = pitch_ - left - cols_ * width_;
    for (int64_t b = 0; b < blocks(); ++b)
      for (int64_t r = which.begin; r < which.end; ++r) {
        float* row = lines + b * block_size_ + (r - held.begin) * pitch_;
        std::fill_n(row, left, 0.0f);
        std::fill_n(row + pitch_ - right, right, 0.0f);
      }
  }
  // Moves rows [from, held->end) to the front.
  void drop_before(float* lines, Rows* held, int64_t from) const {
    for (int64_t b = 0; b < blocks(); ++b) {
      float* block = lines + b * block_size_;
      std::memmove(block, block + (from - held->begin) * pitch_,
                   static_cast<size_t>((held->end - from) * pitch_) * sizeof(float));
    }
    held->begin = from;
  }

 private:
  int64_t channels_, rows_, cols_, left_, width_, pitch_, capacity_, block_size_;
};

}  // namespace
}  // namespace kantor::KANTOR_ISA
