// How a convolution's source lies once packed: a kernel's taps are offsets in it, and positions lie side by side.
//
// Position (p, q) and tap (down, right) meet at source element (p * step + down, q * step + right), 0 outside. The rows
// and columns of a source are split by their remainder modulo the step into planes; in a plane the tap is a shift by
// whole rows and columns. A plane's rows follow each other at a pitch that leaves the zeros right of one row to serve
// as those left of the next, images likewise; so all positions of some rows, or images, are one run of floats in which
// a few, the gaps, belong to no position.
#pragma once
#include <algorithm>
#include <cstring>
#include <vector>

#include "ops/conv2d/conv2d.h"
#include "ops/conv2d/conv_source.h"
#include "ops/conv2d/conv_sums.h"
#include "ops/conv2d/conv_tile.h"

namespace kantor::KANTOR_ISA {
namespace {

inline int64_t floor_div(int64_t a, int64_t b) { return a >= 0 ? a / b : -((b - 1 - a) / b); }

// Rows, or columns, of positions.
struct Axis {
  int64_t positions, source, step;
  int64_t first, span;  // the smallest shift of a tap, and how much larger the largest is
  int64_t shared;       // zeros that neighbours have in common

  Axis(int64_t positions, int64_t source, int64_t step, const std::vector<int64_t>& taps)
      : positions(positions), source(source), step(step) {
    first = taps.empty() ? 0 : floor_div(*std::min_element(taps.begin(), taps.end()), step);
    span = taps.empty() ? 0 : floor_div(*std::max_element(taps.begin(), taps.end()), step) - first;
    int64_t before = std::max<int64_t>(0, -first);
    int64_t after = std::max<int64_t>(0, first + positions + span - ceil_div(source, step));
    shared = std::min({before, after, span});
  }
  int64_t pitch() const { return positions + span - shared; }
};

// Some positions: rows [p, p + rows) of images [n, n + images); several images only with all their rows.
struct Part {
  int64_t n, images, p, rows;
};

class Window {
 public:
  // The source is [*, channels, rows.source, cols.source]. A part has at most so many images and rows.
  Window(const ConvSource& source, int64_t channels, Axis rows, Axis cols, const std::vector<Tap>& taps, int64_t images,
         int64_t row_count)
      : rows_(rows), cols_(cols), source_(source), channels_(channels) {
    for (const Tap& tap : taps) plane_of(tap);
    most_rows_ = std::min(rows.source, (row_count + rows.span) * rows.step);
    plane_size_ = round_up(vectors({0, images, 0, row_count}) * kWidth + rows.span * cols.pitch() + cols.span, 16);
    if (plane_size_ % 256 == 0) plane_size_ += 16;  // else many channels would meet in a few sets of the cache
  }

  // Where position j of a part is: ((image * rows.pitch() + row) * cols.pitch() + col).
  int64_t run(const Part& part) const {
    return ((part.images - 1) * rows_.pitch() + part.rows - 1) * cols_.pitch() + cols_.positions;
  }
  int64_t vectors(const Part& part) const { return ceil_div(run(part), kWidth); }
  int64_t offset(const Tap& tap) {
    return plane_of(tap) * plane_size_ + (floor_div(tap.down, rows_.step) - rows_.first) * cols_.pitch() +
           floor_div(tap.right, cols_.step) - cols_.first;
  }
  int64_t channel_size() const { return static_cast<int64_t>(planes_.size()) * plane_size_; }
  // What packing reads into, in floats.
  int64_t buffer_size() const { return source_.buffer_floats(most_rows_ * cols_.source); }
  const Axis& rows() const { return rows_; }
  const Axis& cols() const { return cols_; }

  // Channels [c_begin, c_end), beginning at `to`.
  void pack(const Part& part, int64_t c_begin, int64_t c_end, float* to, float* buffer) const {
    // The source's rows that any tap of the part reads.
    const int64_t begin = std::clamp<int64_t>((part.p + rows_.first) * rows_.step, 0, rows_.source);
    const int64_t end =
        std::clamp((part.p + rows_.first + part.rows + rows_.span) * rows_.step, begin, rows_.source);
    for (int64_t i = 0; i < part.images; ++i)
      for (int64_t c = c_begin; c < c_end; ++c) {
        const float* from = source_.read((part.n + i) * channels_ + c, begin * cols_.source,
                                         (end - begin) * cols_.source, buffer);
        float* plane_to = to + (c - c_begin) * channel_size();
        for (const Plane& plane : planes_) {
          if (cols_.step == 1)
            pack_plane<1>(plane, part, i, from, begin, end, plane_to);
          else if (cols_.step == 2)
            pack_plane<2>(plane, part, i, from, begin, end, plane_to);
          else
            pack_plane<0>(plane, part, i, from, begin, end, plane_to);
          plane_to += plane_size_;
        }
      }
  }

 private:
  struct Plane {
    int64_t row, col;
    int64_t begin, end;  // the columns, counted from the leftmost tap, that lie in the source
  };

  int64_t plane_of(const Tap& tap) {
    int64_t row = tap.down - floor_div(tap.down, rows_.step) * rows_.step;
    int64_t col = tap.right - floor_div(tap.right, cols_.step) * cols_.step;
    for (size_t i = 0; i < planes_.size(); ++i)
      if (planes_[i].row == row && planes_[i].col == col) return static_cast<int64_t>(i);
    int64_t begin = std::clamp<int64_t>(-cols_.first, 0, cols_.pitch());
    int64_t end = floor_div(cols_.source - col + cols_.step - 1, cols_.step) - cols_.first;
    planes_.push_back({row, col, begin, std::clamp(end, begin, cols_.pitch())});
    return static_cast<int64_t>(planes_.size()) - 1;
  }

  // One image's share of a plane. step: that of the columns, 0 if it is neither 1 nor 2. The source's rows
  // [begin, end) lie at `from`.
  template <int step>
  void pack_plane(const Plane& plane, const Part& part, int64_t image, const float* from, int64_t begin, int64_t end,
                  float* to) const {
    const int64_t pitch = cols_.pitch(), count = plane.end - plane.begin;
    const bool last = image + 1 == part.images;
    float* const plane_end = to + plane_size_;
    const int64_t rows = last ? part.rows + rows_.span : rows_.pitch();
    int64_t row = (part.p + rows_.first) * rows_.step + plane.row;
    from += (cols_.first + plane.begin) * cols_.step + plane.col;
    to += image * rows_.pitch() * pitch;
    for (int64_t k = 0; k < rows; ++k, row += rows_.step, to += pitch) {
      if (row < begin || row >= end) {
        std::fill_n(to, pitch, 0.0f);
        continue;
      }
      for (int64_t col = 0; col < plane.begin; ++col) to[col] = 0;
      pack_row<step>(from + (row - begin) * cols_.source, count, to + plane.begin);
      for (int64_t col = plane.end; col < pitch; ++col) to[col] = 0;
    }
    if (last) std::fill(to, plane_end, 0.0f);
  }

  template <int step>
  void pack_row(const float* from, int64_t count, float* to) const {
    if constexpr (step == 0) {
      for (int64_t k = 0; k < count; ++k) to[k] = from[k * cols_.step];
    } else if constexpr (step == 1) {
      copy_run(from, count, to);
    } else {
      int64_t k = 0;
      for (; k + kWidth < count; k += kWidth)  // not up to the end, which may be the source's
        store(to + k, even_lanes(load(from + 2 * k), load(from + 2 * k + kWidth)));
      const int64_t left = 2 * (count - k) - 1;
      if (left <= 0) return;
      Vec low = load_partial(from + 2 * k, std::min<int64_t>(left, kWidth));
      Vec high = left > kWidth ? load_partial(from + 2 * k + kWidth, left - kWidth) : Vec{};
      store_partial(to + k, even_lanes(low, high), count - k);
    }
  }

  Axis rows_, cols_;
  ConvSource source_;
  int64_t channels_, most_rows_;
  std::vector<Plane> planes_;
  int64_t plane_size_ = 0;
};

}  // namespace
}  // namespace kantor::KANTOR_ISA
