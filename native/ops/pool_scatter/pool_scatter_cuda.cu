// A block a plane, so that no other touches it. Where each index lies in a 2 x 2 window of its own, as those of the usual
// pooling do, a thread writes a window. Else the block takes as many indices at a time as it has threads; the first thread
// of those that have the same index adds up for all of them. So every element's terms are added in order, with no atomics,
// whatever the indices are.
#include "ops/pool_scatter/pool_scatter.h"

#include "ops/max_pool/planes_device.h"

namespace kantor::cuda {

namespace {

constexpr int kThreads = 128;

struct PoolScatterArguments {
  const float* dy;
  const int32_t* index;
  float* out;
  DevicePlanes s;
};

// False where an index lies outside its window: then plane is not what it should be.
__device__ inline bool scatter_windows(const DevicePlanes& s, const float* dy, const int32_t* index, float* plane) {
  const int t = static_cast<int>(threadIdx.x);
  bool stray = false;
  for (int k = t; k < s.small(); k += kThreads) {
    const int corner = k / s.q * 2 * s.w + k % s.q * 2, at = index[k] - corner;
    const float value = dy[k] + 0.0f;  // -0 added to 0 is 0
    plane[corner] = at == 0 ? value : 0;
    plane[corner + 1] = at == 1 ? value : 0;
    plane[corner + s.w] = at == s.w ? value : 0;
    plane[corner + s.w + 1] = at == s.w + 1 ? value : 0;
    stray |= at != 0 && at != 1 && at != s.w && at != s.w + 1;
  }
  const int even_rows = s.h / 2 * 2;
  if (s.w % 2)
    for (int row = t; row < even_rows; row += kThreads) plane[row * s.w + s.w - 1] = 0;
  for (int i = even_rows * s.w + t; i < s.large(); i += kThreads) plane[i] = 0;
  return !__syncthreads_or(stray);
}

__device__ inline void pool_scatter(const PoolScatterArguments& a, unsigned block, int (&places)[kThreads],
                                    float (&terms)[kThreads]) {
  int t = static_cast<int>(threadIdx.x), large = a.s.large(), small = a.s.small();
  float* plane = a.out + static_cast<int64_t>(block) * large;
  const float* dy = a.dy + static_cast<int64_t>(block) * small;
  const int32_t* index = a.index + static_cast<int64_t>(block) * small;
  if (a.s.p == a.s.h / 2 && a.s.q == a.s.w / 2 && scatter_windows(a.s, dy, index, plane)) return;
  for (int i = t; i < large; i += kThreads) plane[i] = 0;
  for (int first = 0; first < small; first += kThreads) {
    int place = first + t < small ? index[first + t] : -1;
    if (place >= large) place = -1;
    places[t] = place;
    terms[t] = place < 0 ? 0 : dy[first + t];
    __syncthreads();
    bool leads = place >= 0;
    for (int other = 0; other < t && leads; ++other) leads = places[other] != place;
    if (leads) {
      float sum = plane[place] + terms[t];
      for (int other = t + 1; other < kThreads; ++other)
        if (places[other] == place) sum += terms[other];
      plane[place] = sum;
    }
    __syncthreads();
  }
}

__global__ void __launch_bounds__(kThreads) pool_scatter_kernel(const int64_t* guard, PoolScatterArguments a) {
  KANTOR_SHARED(int[kThreads], places);
  KANTOR_SHARED(float[kThreads], terms);
  if (starts(guard)) pool_scatter(a, blockIdx.x, places, terms);
}

}  // namespace

void enqueue_pool_scatter(const Node& node, Recorder& r) {
  DevicePlanes s = DevicePlanes::of(node, node.out[0], node.in[0]);
  PoolScatterArguments a = {node.in[0].f32(), node.in[1].as<int32_t>(), node.out[0].f32(), s};
  r.launch(pool_scatter_kernel, {static_cast<unsigned>(s.count), kThreads}, a);
}

}  // namespace kantor::cuda
