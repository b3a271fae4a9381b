#include "ops/copy/copy.h"

#include "runtime/cuda/device_code.h"

namespace kantor::cuda {

namespace {

struct CopyArguments {
  const std::byte* from;
  std::byte* to;
  int64_t from_offset, to_offset;
  int64_t from_stride[kMaxRank], to_stride[kMaxRank];
  int size[kMaxRank];
  int rank, count;
};

template <class T>
__device__ inline void copy(const CopyArguments& a, unsigned block) {
  int i = static_cast<int>(block) * kBlockThreads + static_cast<int>(threadIdx.x);
  if (i >= a.count) return;
  int64_t from = a.from_offset, to = a.to_offset;
  for (int d = a.rank - 1; d >= 0; --d) {
    from += i % a.size[d] * a.from_stride[d];
    to += i % a.size[d] * a.to_stride[d];
    i /= a.size[d];
  }
  reinterpret_cast<T*>(a.to)[to] = reinterpret_cast<const T*>(a.from)[from];
}

template <class T>
__global__ void copy_kernel(const int64_t* guard, CopyArguments a) {
  if (!held(guard)) copy<T>(a, blockIdx.x);
}

template <class T>
__device__ inline void fill_zero(T* to, int count, unsigned block) {
  int i = static_cast<int>(block) * kBlockThreads + static_cast<int>(threadIdx.x);
  if (i < count) to[i] = 0;
}

template <class T>
__global__ void fill_zero_kernel(const int64_t* guard, T* to, int count) {
  if (!held(guard)) fill_zero(to, count, blockIdx.x);
}

// T: any type of the elements' size.
template <class T>
void enqueue(const Node& node, Recorder& r) {
  CopyBox box(node);
  CopyArguments a = {};
  a.from = node.in[0].data;
  a.to = node.out[0].data;
  a.from_offset = box.source_offset;
  a.to_offset = box.destination_offset;
  a.rank = box.rank;
  a.count = extent(node, box.count());
  for (int d = 0; d < box.rank; ++d) {
    a.from_stride[d] = box.dims[d].source_stride;
    a.to_stride[d] = box.dims[d].destination_stride;
    a.size[d] = extent(node, box.dims[d].size);
  }
  int all = extent(node, node.out[0].count());
  if (box.fill && a.count < all) r.launch(fill_zero_kernel<T>, elementwise(all), node.out[0].as<T>(), all);
  r.launch(copy_kernel<T>, elementwise(a.count), a);
}

}  // namespace

void enqueue_copy(const Node& node, Recorder& r) {
  switch (size_of(node.in[0].dtype)) {
    case 1: return enqueue<uint8_t>(node, r);
    case 4: return enqueue<uint32_t>(node, r);
    default: return enqueue<uint64_t>(node, r);
  }
}

}  // namespace kantor::cuda
