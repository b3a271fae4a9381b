#include <algorithm>

#include "ops/copy/copy.h"

namespace kantor {

CopyBox::CopyBox(const Node& node) : rank(static_cast<int>(node.attributes[0])) {
  const int64_t* a = node.attributes.data() + 1;
  for (int i = 0; i < rank; ++i, a += 3) dims[i] = {a[0], a[1], a[2]};
  source_offset = a[0];
  destination_offset = a[1];
  fill = a[2] != 0;
}

int64_t CopyBox::count() const {
  int64_t n = 1;
  for (int i = 0; i < rank; ++i) n *= dims[i].size;
  return n;
}

namespace {

// That every element of the box lies in [0, count), with dimensions of size 1 left out. A stride beyond count cannot
// fit, so the sums stay far from overflow.
void check_inside(const Node& node, const CopyBox& box, bool source, int64_t offset, int64_t count) {
  const char* role = source ? "source" : "destination";
  __int128 low = offset, high = offset;
  for (int i = 0; i < box.rank; ++i) {
    const auto& [size, source_stride, destination_stride] = box.dims[i];
    int64_t stride = source ? source_stride : destination_stride;
    if (size == 1) continue;
    if (stride > count || stride < -count)
      node.reject("%s stride %lld of dimension %d leaves the tensor", role, static_cast<long long>(stride), i);
    (stride < 0 ? low : high) += static_cast<__int128>(size - 1) * stride;
  }
  if (low < 0 || high >= count)
    node.reject("the box leaves the %s, which has %lld elements", role, static_cast<long long>(count));
}

// That no two elements of the box have one destination: each dimension steps over what the smaller ones span.
void check_injective(const Node& node, const CopyBox& box) {
  std::vector<CopyBox::Dimension> sorted(box.dims, box.dims + box.rank);
  std::erase_if(sorted, [](const auto& d) { return d.size == 1; });
  std::sort(sorted.begin(), sorted.end(),
            [](const auto& a, const auto& b) { return a.destination_stride < b.destination_stride; });
  int64_t span = 0;  // inside the tensor, as was checked
  for (const auto& d : sorted) {
    if (d.destination_stride <= span)
      node.reject("destination stride %lld reaches elements twice", static_cast<long long>(d.destination_stride));
    span += (d.size - 1) * d.destination_stride;
  }
}

}  // namespace

void validate_copy(const Node& node) {
  node.expect_operands(1, 1);
  node.expect_at_least(1, 1, 4);
  int64_t rank = node.attributes[0];
  if (rank < 0 || rank > kMaxRank) node.reject("rank %lld; at most %d", static_cast<long long>(rank), kMaxRank);
  if (node.attributes.size() != static_cast<size_t>(4 + 3 * rank))
    node.reject("a box of rank %lld has %lld attributes, got %zu", static_cast<long long>(rank),
                static_cast<long long>(4 + 3 * rank), node.attributes.size());
  const Tensor &source = node.in[0], &destination = node.out[0];
  node.expect_dtype(source, destination.dtype, "the source");
  if (source.data == destination.data) node.reject("source and destination are the same memory");
  CopyBox box(node);
  for (int i = 0; i < box.rank; ++i) {
    if (box.dims[i].size < 1 || box.dims[i].size > destination.count())
      node.reject("size %lld of dimension %d; the destination is %s", static_cast<long long>(box.dims[i].size), i,
                  destination.describe().c_str());
    if (box.dims[i].size > 1 && box.dims[i].destination_stride < 1)
      node.reject("destination stride %lld of dimension %d must be positive",
                  static_cast<long long>(box.dims[i].destination_stride), i);
  }
  check_inside(node, box, true, box.source_offset, source.count());
  check_inside(node, box, false, box.destination_offset, destination.count());
  check_injective(node, box);
}

void reference_copy(const Node& node) {
  CopyBox box(node);
  int64_t bytes = size_of(node.in[0].dtype);
  if (box.fill) std::fill_n(node.out[0].data, node.out[0].bytes(), std::byte{0});
  for (int64_t i = 0; i < box.count(); ++i) {
    int64_t from = box.source_offset, to = box.destination_offset, rest = i;
    for (int d = box.rank - 1; d >= 0; --d) {
      from += rest % box.dims[d].size * box.dims[d].source_stride;
      to += rest % box.dims[d].size * box.dims[d].destination_stride;
      rest /= box.dims[d].size;
    }
    std::copy_n(node.in[0].data + from * bytes, bytes, node.out[0].data + to * bytes);
  }
}

}  // namespace kantor
