#include "samples.h"

#include "runtime/cuda/grid.h"
#include "runtime/cuda/ptx.h"

namespace kantor::test {

namespace {

__device__ inline float warp_sum(float value) {
  for (int flip = 16; flip > 0; flip /= 2) value += __shfl_xor_sync(~0u, value, flip);
  return value;
}

// The sum over a block of kThreads threads, in all of them.
__device__ inline float block_sum(float value, float* parts) {
  value = warp_sum(value);
  if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = value;
  __syncthreads();
  float sum = 0;
  for (int w = 0; w < kThreads / 32; ++w) sum += parts[w];
  __syncthreads();
  return sum;
}

}  // namespace

__global__ void tiled_product(const float* a, const float* b, float* c, int cols, int depth) {
  KANTOR_SHARED(float[kTile][kTile], tile_a);
  KANTOR_SHARED(float[kTile][kTile], tile_b);
  int column = static_cast<int>(threadIdx.x), row = static_cast<int>(threadIdx.y);
  int first_row = static_cast<int>(blockIdx.y) * kTile, first_column = static_cast<int>(blockIdx.x) * kTile;
  float sum = 0;
  for (int k = 0; k < depth; k += kTile) {
    tile_a[row][column] = a[(first_row + row) * depth + k + column];
    tile_b[row][column] = b[(k + row) * cols + first_column + column];
    __syncthreads();
    for (int i = 0; i < kTile; ++i) sum += tile_a[row][i] * tile_b[i][column];
    __syncthreads();
  }
  c[(first_row + row) * cols + first_column + column] = sum;
}

__global__ void block_sums(const float* x, float* sums) {
  KANTOR_SHARED(float[kThreads / 32], parts);
  float sum = block_sum(x[blockIdx.x * kThreads + threadIdx.x], parts);
  float again = block_sum(sum, parts);
  if (threadIdx.x == 0) sums[blockIdx.x] = again / kThreads;
}

__global__ void copied_sums(const float* x, float* y, int steps) {
  KANTOR_DYNAMIC_SHARED(float, buffers);  // two of kThreads
  int i = static_cast<int>(threadIdx.x);
  auto start = [&](int step) {
    // A quarter of the threads copies for all: the others see it only after the barrier.
    if (i < kThreads / 4 && step < steps)
      copy_async<16>(buffers + step % 2 * kThreads + i * 4, x + step * kThreads + i * 4);
    commit_copies();
  };
  start(0);
  float sum = 0;
  for (int step = 0; step < steps; ++step) {
    start(step + 1);
    wait_copies<1>();
    __syncthreads();
    sum += buffers[step % 2 * kThreads + i];
    __syncthreads();
  }
  wait_copies<0>();
  y[i] = sum;
}

__global__ void sum_by_last_block(const float* x, int n, float* partial, unsigned* ticket, float* sum) {
  KANTOR_SHARED(float[kThreads / 32], parts);
  KANTOR_SHARED(bool, last);
  float mine = 0;
  for (int i = static_cast<int>(blockIdx.x * kThreads + threadIdx.x); i < n; i += static_cast<int>(gridDim.x) * kThreads)
    mine += x[i];
  mine = block_sum(mine, parts);
  if (threadIdx.x == 0) {
    partial[blockIdx.x] = mine;
    __threadfence();
    last = atomicAdd(ticket, 1u) == gridDim.x - 1;
    __threadfence();
  }
  __syncthreads();
  if (!last) return;
  float all = 0;
  for (unsigned i = threadIdx.x; i < gridDim.x; i += kThreads) all += partial[i];
  all = block_sum(all, parts);
  if (threadIdx.x == 0) {
    *sum = all;
    atomicExch(ticket, 0u);
  }
}

__global__ void power_iteration(const float* w, float* v, float* u, unsigned* largest, int n, int steps) {
  auto grid = cooperative_groups::this_grid();
  int warps = static_cast<int>(gridDim.x * (blockDim.x / 32));
  int warp = static_cast<int>(blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32), lane = threadIdx.x % 32;
  for (int step = 0; step < steps; ++step) {
    if (blockIdx.x == 0 && threadIdx.x == 0) *largest = 0;
    grid.sync();
    for (int row = warp; row < n; row += warps) {
      float sum = 0;
      for (int i = lane; i < n; i += 32) sum += w[row * n + i] * v[i];
      sum = warp_sum(sum);
      if (lane == 0) {
        u[row] = sum;
        atomicMax(largest, __float_as_uint(fabsf(sum)));  // floats above 0 are ordered as their bits
      }
    }
    grid.sync();
    float scale = 1 / __uint_as_float(*largest);
    for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < static_cast<unsigned>(n); i += gridDim.x * blockDim.x)
      v[i] = u[i] * scale;
    grid.sync();
  }
}

__global__ void histogram(const unsigned char* x, int n, unsigned* counts) {
  KANTOR_SHARED(unsigned[256], here);
  for (unsigned i = threadIdx.x; i < 256; i += blockDim.x) here[i] = 0;
  __syncthreads();
  for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < static_cast<unsigned>(n); i += gridDim.x * blockDim.x)
    atomicAdd(&here[x[i]], 1u);
  __syncthreads();
  for (unsigned i = threadIdx.x; i < 256; i += blockDim.x)
    if (here[i] > 0) atomicAdd(&counts[i], here[i]);
}

__global__ void one_mma_tf32(const float* a, const float* b, float* c) {
  int g = static_cast<int>(threadIdx.x / 4), t = static_cast<int>(threadIdx.x % 4);
  uint32_t fa[4], fb[2];
  float fc[4] = {};
  for (int i = 0; i < 4; ++i) fa[i] = to_tf32(a[(g + i % 2 * 8) * 8 + t + i / 2 * 4]);
  for (int i = 0; i < 2; ++i) fb[i] = to_tf32(b[(t + i * 4) * 8 + g]);
  mma_tf32(fc, fa, fb);
  for (int i = 0; i < 4; ++i) c[(g + i / 2 * 8) * 8 + t * 2 + i % 2] = fc[i];
}

__global__ void one_mma_bf16(const float* a, const float* b, float* c) {
  KANTOR_SHARED(uint32_t[16][8], rows_a);  // of 16 bf16
  KANTOR_SHARED(uint32_t[16][4], rows_b);  // of 8 bf16
  int lane = static_cast<int>(threadIdx.x);
  for (int i = lane; i < 16 * 8; i += 32) rows_a[i / 8][i % 8] = to_bf16(a[i * 2], a[i * 2 + 1]);
  for (int i = lane; i < 16 * 4; i += 32) rows_b[i / 4][i % 4] = to_bf16(b[i * 2], b[i * 2 + 1]);
  __syncwarp();
  uint32_t fa[4], fb[4];
  float fc[4] = {};
  load_matrices(fa, &rows_a[lane % 16][lane / 16 * 4]);
  load_matrices_transposed(fb, &rows_b[lane % 16][0]);
  uint32_t both[2] = {fb[0], fb[1]};
  mma_bf16(fc, fa, both);
  int g = lane / 4, t = lane % 4;
  for (int i = 0; i < 4; ++i) c[(g + i / 2 * 8) * 8 + t * 2 + i % 2] = fc[i];
}

__global__ void turn_in_turn(const float* x, float* y) {
  let_next_begin();
  unsigned n = gridDim.x * blockDim.x, i = blockIdx.x * blockDim.x + threadIdx.x;
  wait_for_predecessors();
  y[i] = x[(i + 1) % n];
}

__global__ void shuffles(const int* x, int* y) {
  int lane = static_cast<int>(threadIdx.x), value = x[lane];
  y[lane] = __shfl_sync(~0u, value, 5);
  y[32 + lane] = __shfl_xor_sync(~0u, value, 3);
  y[64 + lane] = __shfl_down_sync(~0u, value, 4);
  y[96 + lane] = __shfl_up_sync(~0u, value, 4);
  y[128 + lane] = __shfl_down_sync(~0u, value, 1, 8);
  y[160 + lane] = static_cast<int>(__ballot_sync(~0u, value % 2));
  y[192 + lane] = __any_sync(~0u, value == 31) + 2 * __all_sync(~0u, value >= 0) + 4 * __all_sync(~0u, value > 0);
  y[224 + lane] = __syncthreads_count(value % 3 == 0);
}

__global__ void missing_barrier(const float* x, float* y) {
  KANTOR_SHARED(float[kThreads], tile);
  tile[threadIdx.x] = 0;
  __syncthreads();
  tile[threadIdx.x] = x[threadIdx.x];
  y[threadIdx.x] = tile[(threadIdx.x + 33) % kThreads];
}

__global__ void missing_second_barrier(const float* x, float* y, int steps) {
  KANTOR_SHARED(float[kThreads], tile);
  float sum = 0;
  for (int k = 0; k < steps; ++k) {
    tile[threadIdx.x] = x[k * kThreads + static_cast<int>(threadIdx.x)];
    __syncthreads();
    for (int i = 0; i < kThreads; ++i) sum += tile[i];
  }
  y[threadIdx.x] = sum;
}

__global__ void missing_warp_barrier(const float* x, float* y) {
  KANTOR_SHARED(float[kThreads], tile);
  tile[threadIdx.x] = 0;
  __syncwarp();
  tile[threadIdx.x] = x[threadIdx.x];
  y[threadIdx.x] = tile[threadIdx.x ^ 1];
}

__global__ void past_the_end(const float* x, float* y, int n) {
  int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i <= n) y[i] = x[0];
}

__global__ void past_shared_memory(const float* x, float* y) {
  KANTOR_SHARED(float[kThreads], tile);
  tile[threadIdx.x] = x[threadIdx.x];
  __syncthreads();
  y[threadIdx.x] = tile[threadIdx.x + 1];
}

__global__ void read_of_nothing_written(const float* x, float* y) {
  KANTOR_SHARED(float[kThreads], tile);
  if (threadIdx.x < kThreads - 1) tile[threadIdx.x] = x[threadIdx.x];
  __syncthreads();
  y[threadIdx.x] = tile[threadIdx.x];
}

__global__ void two_barriers(const float* x, float* y) {
  if (threadIdx.x < 32) {
    __syncthreads();
    y[threadIdx.x] = x[threadIdx.x];
  } else {
    __syncthreads();
  }
}

__global__ void barrier_for_some(const float* x, float* y) {
  if (threadIdx.x < 32) __syncthreads();
  y[threadIdx.x] = x[threadIdx.x];
}

__global__ void shuffle_for_some(const float* x, float* y) {
  float value = x[threadIdx.x];
  if (threadIdx.x % 32 < 16)
    value += __shfl_xor_sync(~0u, value, 1);
  else
    __syncthreads();
  y[threadIdx.x] = value;
}

__global__ void early_exit(const float* x, float* y, int n) {
  if (static_cast<int>(threadIdx.x) >= n) return;
  float value = x[threadIdx.x];
  __syncthreads();
  y[threadIdx.x] = value;
}

__global__ void same_element(float* y) { y[0] += 1; }

__global__ void misaligned_vector(const float* x, float* y) {
  float4 four = load4(x + threadIdx.x);
  y[threadIdx.x] = four.x + four.w;
}

__global__ void copy_not_waited_for(const float* x, float* y) {
  KANTOR_DYNAMIC_SHARED(float, tile);
  copy_async<4>(tile + threadIdx.x, x + threadIdx.x);
  commit_copies();
  __syncthreads();
  y[threadIdx.x] = tile[threadIdx.x];
  wait_copies<0>();
}

__global__ void copy_without_barrier(const float* x, float* y) {
  KANTOR_DYNAMIC_SHARED(float, tile);
  copy_async<4>(tile + threadIdx.x, x + threadIdx.x);
  commit_copies();
  wait_copies<0>();
  y[threadIdx.x] = tile[kThreads - 1 - threadIdx.x];
}

__global__ void copy_never_waited_for(const float* x) {
  KANTOR_DYNAMIC_SHARED(float, tile);
  copy_async<4>(tile + threadIdx.x, x + threadIdx.x);
  commit_copies();
}

__global__ void neighbour_block(float* x, float* y) {
  x[blockIdx.x] = 1;
  __syncthreads();
  if (threadIdx.x == 0) y[blockIdx.x] = x[(blockIdx.x + 1) % gridDim.x];
}

namespace {

__device__ inline void sum_partials(const float* x, float* partial, unsigned* ticket, float* sum, bool before, bool after) {
  if (threadIdx.x != 0) return;
  partial[blockIdx.x] = x[blockIdx.x];
  if (before) __threadfence();
  bool last = atomicAdd(ticket, 1u) == gridDim.x - 1;
  if (after) __threadfence();
  if (!last) return;
  float all = 0;
  for (unsigned i = 0; i < gridDim.x; ++i) all += partial[i];
  *sum = all;
}

}  // namespace

__global__ void no_fence_before_ticket(const float* x, float* partial, unsigned* ticket, float* sum) {
  sum_partials(x, partial, ticket, sum, false, true);
}
__global__ void no_fence_after_ticket(const float* x, float* partial, unsigned* ticket, float* sum) {
  sum_partials(x, partial, ticket, sum, true, false);
}

__global__ void spins_forever(unsigned* flag) {
  while (atomicAdd(flag, 0u) == 0) __nanosleep(20);
}

__global__ void half_a_mask(const float* x, float* y) {
  float value = x[threadIdx.x];
  if (threadIdx.x % 32 < 16) value += __shfl_xor_sync(0xFFFFu, value, 1);
  y[threadIdx.x] = value;
}

__global__ void touches_before_waiting(const float* x, float* y) {
  float value = x[threadIdx.x];
  wait_for_predecessors();
  y[threadIdx.x] = value;
}

__global__ void leaves_without_waiting(const float* x, float* y) {
  if (threadIdx.x >= kThreads / 2) return;
  wait_for_predecessors();
  y[threadIdx.x] = x[threadIdx.x];
}

__global__ void too_much_shared_memory(float* y) {
  KANTOR_DYNAMIC_SHARED(float, dynamic);
  KANTOR_SHARED(float[1024], fixed);
  fixed[threadIdx.x] = 1;
  dynamic[threadIdx.x] = fixed[threadIdx.x];
  y[threadIdx.x] = dynamic[threadIdx.x];
}

__global__ void copies(const float* x, float* y) { y[threadIdx.x] = x[threadIdx.x]; }

__global__ void grid_barrier_only() { cooperative_groups::this_grid().sync(); }

__global__ void uses_dynamic_shared(float* y) {
  KANTOR_DYNAMIC_SHARED(float, tile);
  tile[threadIdx.x] = 1;
  y[threadIdx.x] = tile[threadIdx.x];
}

}  // namespace kantor::test
