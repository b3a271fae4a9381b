// Dimensions that are one run in both tensors are merged first; the innermost one that is left is copied by a loop made
// for its strides, the others are counted through. A task is a fixed number of runs (or a piece of a long one).
#include <algorithm>
#include <cstring>

#include "ops/copy/copy.h"

namespace kantor::KANTOR_ISA {

namespace {

constexpr int64_t kTaskBytes = 64 << 10, kFillBytes = 256 << 10;

// Without dimensions of size 1; at least one dimension is left. Neighbours that form one run become one dimension.
CopyBox merged(CopyBox box) {
  int rank = 0;
  for (int i = 0; i < box.rank; ++i) {
    CopyBox::Dimension d = box.dims[i];
    if (d.size == 1) continue;
    if (rank > 0) {
      CopyBox::Dimension& outer = box.dims[rank - 1];
      if (outer.source_stride == d.size * d.source_stride &&
          outer.destination_stride == d.size * d.destination_stride) {
        outer = {outer.size * d.size, d.source_stride, d.destination_stride};
        continue;
      }
    }
    box.dims[rank++] = d;
  }
  if (rank == 0) box.dims[rank++] = {1, 1, 1};
  box.rank = rank;
  return box;
}

template <class T>
void copy_run(const T* from, T* to, int64_t n, int64_t from_stride, int64_t to_stride) {
  if (to_stride == 1 && from_stride == 1)
    std::memcpy(to, from, static_cast<size_t>(n) * sizeof(T));
  else if (to_stride == 1 && from_stride == 0)
    for (int64_t i = 0, value = static_cast<int64_t>(*from); i < n; ++i) to[i] = static_cast<T>(value);
  else
    for (int64_t i = 0; i < n; ++i) to[i * to_stride] = from[i * from_stride];
}

// Pieces first .. last - 1 of the box; run r is cut into `pieces` pieces of `length` elements.
template <class T>
void copy_pieces(const CopyBox& box, const T* from, T* to, int64_t first, int64_t last, int64_t pieces,
                 int64_t length) {
  const CopyBox::Dimension inner = box.dims[box.rank - 1];
  int64_t at[kMaxRank] = {}, run = first / pieces, piece = first % pieces;
  from += box.source_offset;
  to += box.destination_offset;
  for (int d = box.rank - 2; d >= 0; --d) {
    at[d] = run % box.dims[d].size;
    run /= box.dims[d].size;
    from += at[d] * box.dims[d].source_stride;
    to += at[d] * box.dims[d].destination_stride;
  }
  for (; first < last; ++first) {
    int64_t begin = piece * length, n = std::min(length, inner.size - begin);
    copy_run(from + begin * inner.source_stride, to + begin * inner.destination_stride, n, inner.source_stride,
             inner.destination_stride);
    if (++piece < pieces) continue;
    piece = 0;
    for (int d = box.rank - 2; d >= 0; --d) {
      from += box.dims[d].source_stride;
      to += box.dims[d].destination_stride;
      if (++at[d] < box.dims[d].size) break;
      from -= box.dims[d].size * box.dims[d].source_stride;
      to -= box.dims[d].size * box.dims[d].destination_stride;
      at[d] = 0;
    }
  }
}

template <class T>
void plan_copy(const Node& node, const CopyBox& box, Plan& plan) {
  int64_t inner = box.dims[box.rank - 1].size, runs = box.count() / inner;
  int64_t most = kTaskBytes / static_cast<int64_t>(sizeof(T));
  int64_t pieces = (inner + most - 1) / most, length = (inner + pieces - 1) / pieces;
  int64_t per_task = std::max<int64_t>(1, most / length), total = runs * pieces;
  plan.phase(static_cast<int>((total + per_task - 1) / per_task),
             [box, from = node.in[0].as<T>(), to = node.out[0].as<T>(), total, per_task, pieces, length](int task,
                                                                                                         std::byte*) {
               copy_pieces(box, from, to, task * per_task, std::min(total, (task + 1) * per_task), pieces, length);
             });
}

}  // namespace

void prepare_copy(const Node& node, Plan& plan) {
  CopyBox box = merged(CopyBox(node));
  int64_t bytes = node.out[0].bytes();
  // A box as large as the destination covers it, as it reaches no element twice.
  if (box.fill && box.count() < node.out[0].count())
    plan.phase(static_cast<int>((bytes + kFillBytes - 1) / kFillBytes),
               [to = node.out[0].data, bytes](int task, std::byte*) {
                 int64_t begin = task * kFillBytes;
                 std::memset(to + begin, 0, static_cast<size_t>(std::min(kFillBytes, bytes - begin)));
               });
  switch (size_of(node.in[0].dtype)) {
    case 1: return plan_copy<uint8_t>(node, box, plan);
    case 4: return plan_copy<uint32_t>(node, box, plan);
    default: return plan_copy<uint64_t>(node, box, plan);
  }
}

}  // namespace kantor::KANTOR_ISA
