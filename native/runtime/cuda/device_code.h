// What the ops' kernels share.
#pragma once
#include <climits>

#include "runtime/cuda/ptx.h"
#include "runtime/cuda/recorder.h"

namespace kantor::cuda {

constexpr int kBlockThreads = 256;
constexpr int kWarp = 32;

// Whether a kernel is held back: there was a fault, and everything is to stay as it is.
__device__ inline bool held(const int64_t* guard) { return guard && *guard != 0; }

// What every kernel of a program does first, each of its threads: false where the kernel is held back and does nothing.
//
// A launch may be early: its blocks are set up, with arguments and code, while the kernel in front of it still runs, and
// here they wait. All kernels wait, those that are held back too, and that suffices: a wait returns when the kernel in front
// has ended, which it cannot before its threads' waits have returned, when the one in front of that had ended, and so on
// up to the first of the graph (which begins when what was in the stream has ended). A kernel that ended without waiting would
// let the one behind it overtake the one in front of it.
// The next kernel is let in at once: its blocks take what room there is beside this kernel's, all of which have begun.
__device__ inline bool starts(const int64_t* guard) {
  let_next_begin();
  wait_for_predecessors();
  return !held(guard);
}

__device__ inline bool finite(double x) { return x - x == 0; }

// A node's extent as the kernels count: in 32 bits.
inline int extent(const Node& node, int64_t count) {
  if (count > INT_MAX / 2)
    throw Error(KT_UNSUPPORTED, std::string(node.op) + ": more than 2^30 elements; use smaller tensors on this device");
  return static_cast<int>(count);
}

constexpr int ceil_div(int n, int by) { return (n + by - 1) / by; }

// One block for each kBlockThreads elements.
inline LaunchShape elementwise(int count) {
  return {static_cast<unsigned>(ceil_div(count, kBlockThreads)), kBlockThreads};
}

// The sum over a block's threads, the same in each of them, in a fixed order. parts: a place a warp, which is free again
// after the block's next barrier.
template <int kThreads, class T>
__device__ inline T block_sum(T value, T* parts) {
  for (int flip = kWarp / 2; flip > 0; flip /= 2) value += __shfl_xor_sync(~0u, value, flip);
  if constexpr (kThreads > kWarp) {
    if (threadIdx.x % kWarp == 0) parts[threadIdx.x / kWarp] = value;
    __syncthreads();
    value = parts[0];
    for (int w = 1; w < kThreads / kWarp; ++w) value += parts[w];
  }
  return value;
}

// For one thread of each of `blocks` blocks: whether it comes last. What the others' threads here did before, and what their
// blocks did before their last barrier, has happened then. *ticket counts, and is 0 again after the last.
__device__ inline bool comes_last(unsigned* ticket, unsigned blocks) {
  __threadfence();
  bool last = atomicAdd(ticket, 1u) == blocks - 1;
  __threadfence();
  if (last) atomicExch(ticket, 0u);
  return last;
}

// The same for a whole block, by its thread 0. flag: shared, for this alone.
__device__ inline bool last_block(unsigned* ticket, unsigned blocks, bool& flag) {
  if (threadIdx.x == 0) flag = comes_last(ticket, blocks);
  __syncthreads();
  return flag;
}

// The shared memory of a body that has none.
struct NoShared {};

template <class Shared>
constexpr size_t shared_bytes() {
  return std::is_empty_v<Shared> ? 0 : sizeof(Shared);
}

// A body alone: recorder.h.
template <class Body>
__global__ void __launch_bounds__(Body::kThreads, 1) body_kernel(const int64_t* guard, typename Body::Arguments arguments) {
  using Shared = typename Body::Shared;
  if constexpr (std::is_empty_v<Shared>) {
    Shared none;
    if (starts(guard)) Body::run(arguments, blockIdx.x, none);
  } else {
    KANTOR_DYNAMIC_SHARED(Shared, shared);
    if (starts(guard)) Body::run(arguments, blockIdx.x, *shared);
  }
}

template <class Body>
void Recorder::launch(int blocks, const typename Body::Arguments& arguments) {
  using Arguments = typename Body::Arguments;
  static_assert(std::is_trivially_copyable_v<Arguments> && sizeof(Arguments) <= kBodyArgumentBytes);
  static_assert(Body::kThreads > kWarp || std::is_empty_v<typename Body::Shared>);
  auto count = static_cast<unsigned>(blocks);
  if (calls_) {
    const auto* bytes = reinterpret_cast<const std::byte*>(&arguments);
    calls_->push_back({&body_key<Body>, count, {bytes, bytes + sizeof arguments}});
  } else {
    put(body_kernel<Body>, {count, Body::kThreads, shared_bytes<typename Body::Shared>()}, arguments);
  }
}

}  // namespace kantor::cuda
