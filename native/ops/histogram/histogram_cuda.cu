#include "ops/histogram/histogram.h"

#include "runtime/cuda/device_code.h"

namespace kantor::cuda {

namespace {

using Count = unsigned long long;  // CUDA's atomics know 64 bits by this name; a count is never negative

struct HistogramArguments {
  const float* x;
  Count* counts;
  int count, bins;
  double low, scale;
};

__device__ inline void clear_bins(const HistogramArguments& a, unsigned block) {
  int bin = static_cast<int>(block) * kBlockThreads + static_cast<int>(threadIdx.x);
  if (bin < a.bins) a.counts[bin] = 0;
}

// Whole numbers: the order of these sums does not matter.
__device__ inline void histogram(const HistogramArguments& a, unsigned block) {
  int i = static_cast<int>(block) * kBlockThreads + static_cast<int>(threadIdx.x);
  if (i >= a.count) return;
  double place = (static_cast<double>(a.x[i]) - a.low) * a.scale;
  if (place != place) return;
  int bin = place < 0 ? 0 : place >= static_cast<double>(a.bins) ? a.bins - 1 : static_cast<int>(place);
  atomicAdd(&a.counts[bin], Count{1});
}

__global__ void clear_bins_kernel(const int64_t* guard, HistogramArguments a) {
  if (starts(guard)) clear_bins(a, blockIdx.x);
}
__global__ void histogram_kernel(const int64_t* guard, HistogramArguments a) {
  if (starts(guard)) histogram(a, blockIdx.x);
}

}  // namespace

void enqueue_histogram(const Node& node, Recorder& r) {
  HistogramArguments a = {};
  a.x = node.in[0].f32();
  a.counts = node.out[0].as<Count>();
  a.count = extent(node, node.in[0].count());
  a.bins = static_cast<int>(node.out[0].count());
  a.low = static_cast<double>(node.attribute_f32(0));
  a.scale = static_cast<double>(a.bins) / (static_cast<double>(node.attribute_f32(1)) - a.low);
  r.launch(clear_bins_kernel, elementwise(a.bins), a);
  if (a.count > 0) r.launch(histogram_kernel, elementwise(a.count), a);
}

}  // namespace kantor::cuda
