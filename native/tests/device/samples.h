// Kernels with which the emulated device is tested: samples that are right, and others with one thing wrong.
#pragma once
#include "runtime/cuda/device.h"

namespace kantor::test {

constexpr int kTile = 16;
constexpr int kThreads = 64;  // of a block of the small kernels

// C [rows, cols] = A [rows, depth] * B [depth, cols]; all are multiples of kTile. Blocks of kTile * kTile threads, one a
// tile.
__global__ void tiled_product(const float* a, const float* b, float* c, int cols, int depth);
// sums[block] = the sum of the block's kThreads elements.
__global__ void block_sums(const float* x, float* sums);
// y[i] = the sum of x[i + kThreads * k] over `steps` steps; the next step's elements are copied while one is summed.
__global__ void copied_sums(const float* x, float* y, int steps);
// *sum = the sum of n elements, by the last block to finish. *ticket is 0, before and after.
__global__ void sum_by_last_block(const float* x, int n, float* partial, unsigned* ticket, float* sum);
// v = W v / max |W v|, `steps` times; W [n, n]. One cooperative launch; u [n] and largest [1] are its own.
__global__ void power_iteration(const float* w, float* v, float* u, unsigned* largest, int n, int steps);
// counts[x[i]] += 1
__global__ void histogram(const unsigned char* x, int n, unsigned* counts);
// C [16, 8] = A [16, 8] * B [8, 8], and [16, 8] = [16, 16] * [16, 8] of float32 rounded to bf16. One warp.
__global__ void one_mma_tf32(const float* a, const float* b, float* c);
__global__ void one_mma_bf16(const float* a, const float* b, float* c);
// y[i] = x[(i + 1) % n], n being the launch's threads. It may be early.
__global__ void turn_in_turn(const float* x, float* y);
// One warp through every shuffle and vote.
__global__ void shuffles(const int* x, int* y);

// In each of these one thing is wrong.
__global__ void missing_barrier(const float* x, float* y);
__global__ void missing_second_barrier(const float* x, float* y, int steps);
__global__ void missing_warp_barrier(const float* x, float* y);
__global__ void past_the_end(const float* x, float* y, int n);
__global__ void past_shared_memory(const float* x, float* y);
__global__ void read_of_nothing_written(const float* x, float* y);
__global__ void two_barriers(const float* x, float* y);
__global__ void barrier_for_some(const float* x, float* y);
__global__ void shuffle_for_some(const float* x, float* y);
__global__ void early_exit(const float* x, float* y, int n);
__global__ void same_element(float* y);
__global__ void misaligned_vector(const float* x, float* y);
__global__ void copy_not_waited_for(const float* x, float* y);
__global__ void copy_without_barrier(const float* x, float* y);
__global__ void copy_never_waited_for(const float* x);
__global__ void neighbour_block(float* x, float* y);
__global__ void no_fence_before_ticket(const float* x, float* partial, unsigned* ticket, float* sum);
__global__ void no_fence_after_ticket(const float* x, float* partial, unsigned* ticket, float* sum);
__global__ void spins_forever(unsigned* flag);
__global__ void half_a_mask(const float* x, float* y);
__global__ void touches_before_waiting(const float* x, float* y);
__global__ void leaves_without_waiting(const float* x, float* y);
__global__ void too_much_shared_memory(float* y);
// Right by themselves; what they are given may be wrong.
__global__ void copies(const float* x, float* y);
__global__ void grid_barrier_only();
__global__ void uses_dynamic_shared(float* y);

}  // namespace kantor::test
