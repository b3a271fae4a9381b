// Planes cut into tiles for Winograd's convolutions, and the transform of their tiles.
//
// Output planes consist of tiles of m x m, the last ones cut short. A strip is some rows of tiles of one image, or some
// whole images. Its tiles are numbered image by image, row by row. An operand's tile t of channel c, transformed, is
// element [t][c] of each of (m + 2)^2 matrices.
#pragma once
#include <algorithm>

#include "ops/conv2d/conv_lanes.h"
#include "ops/conv2d/conv_source.h"
#include "ops/conv2d/conv_tile.h"
#include "ops/conv2d/winograd_lines.h"

namespace kantor::KANTOR_ISA {
namespace {

// So many floats or a little more, a distance at which neither few nor many blocks meet in a set of the cache.
inline int64_t apart(int64_t floats) { return (round_up(floats, 16) / 16 | 1) * 16; }
inline int64_t whole_lanes(int64_t channels) { return round_up(channels, kWidth); }

struct Strip {
  int64_t n, images, row, rows;  // rows of tiles
};

// Of `count` columns of vectors, whose rows lie `pitch` floats apart, the first kIn rows: to[j][0 .. kOut) in vectors.
template <class Line>
void transform_columns(const float* from, int64_t pitch, int64_t count, float* to) {
  for (int64_t j = 0; j < count; ++j, from += kWidth, to += Line::kOut * kWidth) {
    Vec in[Line::kIn], out[Line::kOut];
#pragma GCC unroll 8
    for (int i = 0; i < Line::kIn; ++i) in[i] = load(from + i * pitch);
    Line::run(in, out);
#pragma GCC unroll 8
    for (int i = 0; i < Line::kOut; ++i) store(to + i * kWidth, out[i]);
  }
}

// Of a tile's kIn columns, transformed so: to[p * stride], vector p of the tile.
template <class Line>
void transform_rows(const float* lines, float* to, int64_t stride) {
#pragma GCC unroll 1
  for (int i = 0; i < Line::kOut; ++i) {
    Vec in[Line::kIn], out[Line::kOut];
#pragma GCC unroll 8
    for (int j = 0; j < Line::kIn; ++j) in[j] = load(lines + (j * Line::kOut + i) * kWidth);
    Line::run(in, out);
#pragma GCC unroll 8
    for (int j = 0; j < Line::kOut; ++j, to += stride) store(to, out[j]);
  }
}

// The first rows x cols pixels of a tile, from its products (from[p * stride]): finish of each, in rows `pitch` floats
// apart.
template <int m, class Finish>
[[gnu::always_inline]] inline void inverse_tile(const float* from, int64_t stride, int64_t rows, int64_t cols, float* to,
                                                int64_t pitch, Finish finish) {
  constexpr int kIn = m + 2;
  Vec t[kIn][m];
#pragma GCC unroll 8
  for (int j = 0; j < kIn; ++j) {
    Vec in[kIn];
#pragma GCC unroll 8
    for (int i = 0; i < kIn; ++i) in[i] = load(from + (i * kIn + j) * stride);
    Winograd<m>::result(in, t[j]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < m; ++i, to += pitch) {
    if (i == rows) return;
    Vec in[kIn], out[m];
#pragma GCC unroll 8
    for (int j = 0; j < kIn; ++j) in[j] = t[j][i];
    Winograd<m>::result(in, out);
    if (cols == m) {
#pragma GCC unroll 4
      for (int j = 0; j < m; ++j) store(to + j * kWidth, finish(out[j]));
    } else {
      for (int64_t j = 0; j < cols; ++j) store(to + j * kWidth, finish(out[j]));
    }
  }
}

// How output planes are cut into tiles and strips of about `most` tiles.
class TileCut {
 public:
  TileCut(int64_t images, int64_t rows, int64_t cols, int m, int64_t most)
      : tile_rows_(ceil_div(rows, m)),
        tile_cols_(ceil_div(cols, m)),
        image_blocks_(images, std::clamp<int64_t>(most / (tile_rows_ * tile_cols_), 1, images)),
        row_blocks_(tile_rows_, std::clamp<int64_t>(most / tile_cols_, 1, tile_rows_)) {}

  int64_t strips() const { return image_blocks_.blocks * row_blocks_.blocks; }
  Strip strip(int64_t index) const {
    const int64_t image = index / row_blocks_.blocks, row = index % row_blocks_.blocks;
    const int64_t n = image_blocks_.begin(image), first = row_blocks_.begin(row);
    return {n, image_blocks_.begin(image + 1) - n, first, row_blocks_.begin(row + 1) - first};
  }
  int64_t tiles(const Strip& strip) const { return strip.images * strip.rows * tile_cols_; }
  int64_t tile_cols() const { return tile_cols_; }
  // Of the largest strip.
  int64_t most_rows() const { return ceil_div(tile_rows_, row_blocks_.blocks); }
  int64_t most_tiles() const { return ceil_div(image_blocks_.extent, image_blocks_.blocks) * most_rows() * tile_cols_; }

 private:
  int64_t tile_rows_, tile_cols_;
  Cut image_blocks_, row_blocks_;
};

// An operand as transformed tiles. Output tile (i, j) takes the elements from row i * m + first_row, column j * m +
// first_col on; outside its planes an operand is 0.
template <class Line>
class TileSource {
 public:
  TileSource(const ConvSource& source, int64_t channels, int64_t rows, int64_t cols, int64_t first_row,
             int64_t first_col, const TileCut& cut)
      : source_(source),
        channels_(channels),
        rows_(rows),
        cols_(cols),
        first_row_(first_row),
        first_col_(first_col),
        tile_cols_(cut.tile_cols()) {
    const int64_t most_rows = span(cut.most_rows());
    lines_at_ = most_rows * cols_ * kWidth;
    buffers_at_ = lines_at_ + span(tile_cols_) * Line::kOut * kWidth;
    buffer_size_ = source_.map() ? 0 : round_up(source_.buffer_floats(std::min(most_rows, rows_) * cols_), 16);
  }

  // What transform needs for itself, in floats.
  int64_t size() const { return buffers_at_ + kWidth * buffer_size_; }

  // to[p * stride + tile * whole_lanes(channels) + channel]: element p of the transformed tile.
  void transform(const Strip& strip, float* to, int64_t stride, float* own) const {
    const int64_t lanes = whole_lanes(channels_);
    float* lines = own + lines_at_;
    for (int64_t i = 0; i < strip.images; ++i)
      for (int64_t c = 0; c < channels_; c += kWidth) {
        read(strip.n + i, c, strip, own);
        for (int64_t row = 0; row < strip.rows; ++row) {
          along_columns(own + row * Line::kStep * cols_ * kWidth, lines);
          float* first = to + (i * strip.rows + row) * tile_cols_ * lanes + c;
          for (int64_t col = 0; col < tile_cols_; ++col)
            transform_rows<Line>(lines + col * Line::kStep * Line::kOut * kWidth, first + col * lanes, stride);
        }
      }
  }

 private:
  // The elements that so many tiles in a row take.
  static int64_t span(int64_t tiles) { return (tiles - 1) * Line::kStep + Line::kIn; }

  // kWidth channels of the rows that a strip takes, a vector a pixel.
  void read(int64_t image, int64_t c, const Strip& strip, float* own) const {
    const int64_t first = strip.row * Line::kStep + first_row_, count = span(strip.rows);
    const int64_t begin = std::clamp<int64_t>(first, 0, rows_), end = std::clamp(first + count, begin, rows_);
    const int channels = static_cast<int>(std::min<int64_t>(channels_ - c, kWidth));
    const int64_t plane = image * channels_ + c, pixels = (end - begin) * cols_;
    const ChannelMap* map = source_.map();
    const float* from[kWidth] = {};
    for (int k = 0; k < channels; ++k)
      from[k] = map ? source_.stored(plane + k, begin * cols_)
                    : source_.read(plane + k, begin * cols_, pixels, own + buffers_at_ + k * buffer_size_);
    const int64_t row = cols_ * kWidth, above = begin == end ? count : begin - first;
    std::fill_n(own, above * row, 0.0f);
    auto pack = [&](auto make) { to_lanes(from, channels, pixels, own + above * row, make); };
    if (map) map->across(plane, channels, pack);
    else pack([](Vec pixel) { return pixel; });
    const int64_t filled = above + end - begin;
    std::fill_n(own + filled * row, (count - filled) * row, 0.0f);
  }

  // The columns of a row of tiles, transformed: kOut vectors each.
  void along_columns(const float* from, float* lines) const {
    const int64_t count = span(tile_cols_), pitch = cols_ * kWidth;
    const int64_t begin = std::clamp<int64_t>(-first_col_, 0, count);
    const int64_t end = std::clamp(cols_ - first_col_, begin, count);
    std::fill_n(lines, begin * Line::kOut * kWidth, 0.0f);
    from += (begin + first_col_) * kWidth;
    float* to = lines + begin * Line::kOut * kWidth;
    transform_columns<Line>(from, pitch, end - begin, to);
    to += (end - begin) * Line::kOut * kWidth;
    std::fill_n(to, (count - end) * Line::kOut * kWidth, 0.0f);
  }

  ConvSource source_;
  int64_t channels_, rows_, cols_, first_row_, first_col_, tile_cols_;
  int64_t lines_at_, buffers_at_, buffer_size_;
};

}  // namespace
}  // namespace kantor::KANTOR_ISA
