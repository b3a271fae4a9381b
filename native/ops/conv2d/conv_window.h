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

struct Tap {
  int64_t down, right;
};

// Some positions: rows [p, p + rows) of images [n, n + images); several images only with all their rows.
struct Part {
  int64_t n, images, p, rows;
};

class Window {
 public:
  // The source is [*, channels, rows.source, cols.source]. A part has at most so many images and rows.
  Window(const float* source, int64_t channels, Axis rows, Axis cols, const std::vector<Tap>& taps, int64_t images,
         int64_t row_count)
      : rows_(rows), cols_(cols), source_(source), channels_(channels) {
    for (const Tap& tap : taps) plane_of(tap);
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
  int64_t size() const { return channels_ * channel_size(); }
  int64_t channels() const { return channels_; }
  const Axis& rows() const { return rows_; }
  const Axis& cols() const { return cols_; }

  void pack(const Part& part, float* to) const {
    const int64_t image_size = rows_.source * cols_.source;
    for (int64_t c = 0; c < channels_; ++c) {
      const float* image = source_ + (part.n * channels_ + c) * image_size;
      for (const Plane& plane : planes_) {
        int64_t at = 0;
        for (int64_t i = 0; i < part.images; ++i) {
          int64_t count = i + 1 < part.images ? rows_.pitch() : part.rows + rows_.span;
          for (int64_t k = 0; k < count; ++k, at += cols_.pitch()) {
            int64_t row = (part.p + rows_.first + k) * rows_.step + plane.row;
            if (row < 0 || row >= rows_.source)
              std::fill_n(to + at, cols_.pitch(), 0.0f);
            else
              pack_row(image + i * channels_ * image_size + row * cols_.source, plane.col, to + at);
          }
        }
        std::fill(to + at, to + plane_size_, 0.0f);
        to += plane_size_;
      }
    }
  }

 private:
  struct Plane {
    int64_t row, col;
  };

  int64_t plane_of(const Tap& tap) {
    int64_t row = tap.down - floor_div(tap.down, rows_.step) * rows_.step;
    int64_t col = tap.right - floor_div(tap.right, cols_.step) * cols_.step;
    for (size_t i = 0; i < planes_.size(); ++i)
      if (planes_[i].row == row && planes_[i].col == col) return static_cast<int64_t>(i);
    planes_.push_back({row, col});
    return static_cast<int64_t>(planes_.size()) - 1;
  }

  void pack_row(const float* row, int64_t phase, float* to) const {
    const int64_t pitch = cols_.pitch(), step = cols_.step;
    int64_t begin = std::clamp<int64_t>(-cols_.first, 0, pitch);
    int64_t end = std::clamp<int64_t>(floor_div(cols_.source - phase + step - 1, step) - cols_.first, begin, pitch);
    for (int64_t k = 0; k < begin; ++k) to[k] = 0;
    const float* from = row + (cols_.first + begin) * step + phase;
    const int64_t count = end - begin;
    float* target = to + begin;
    if (step == 1) {
      int64_t k = 0;
      for (; k + kWidth <= count; k += kWidth) store(target + k, load(from + k));
      store_partial(target + k, load_partial(from + k, count - k), count - k);
    } else if (step == 2) {
      int64_t k = 0;
      for (; k + kWidth < count; k += kWidth)  // not up to the end, which may be the source's
        store(target + k, even_lanes(load(from + 2 * k), load(from + 2 * k + kWidth)));
      const int64_t left = 2 * (count - k) - 1;
      if (left > 0) {
        Vec low = load_partial(from + 2 * k, std::min<int64_t>(left, kWidth));
        Vec high = left > kWidth ? load_partial(from + 2 * k + kWidth, left - kWidth) : Vec{};
        store_partial(target + k, even_lanes(low, high), count - k);
      }
    } else {
      for (int64_t k = 0; k < count; ++k) target[k] = from[k * step];
    }
    for (int64_t k = end; k < pitch; ++k) to[k] = 0;
  }

  Axis rows_, cols_;
  const float* source_;
  int64_t channels_;
  std::vector<Plane> planes_;
  int64_t plane_size_ = 0;
};

}  // namespace
}  // namespace kantor::KANTOR_ISA
