#include "ptx_cases.h"

#include "runtime/cuda/ptx.h"

namespace kantor::test {

namespace {

template <int kBytes>
__device__ inline void copy_piece(const unsigned char* x, const unsigned* sources, unsigned char* y, unsigned char* tile) {
  unsigned piece = threadIdx.x, place = piece * kBytes, source = sources[piece];
  copy_async<kBytes>(tile + place, x + place, source);
  commit_copies();
  wait_copies<0>();
  for (unsigned i = 0; i < kBytes; ++i) y[place + i] = tile[place + i];
}

}  // namespace

__global__ void round_to_words(const float* x, uint32_t* tf32, uint32_t* bf16, int n) {
  int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i >= n) return;
  tf32[i] = to_tf32(x[i]);
  bf16[i] = to_bf16(x[i], x[n - 1 - i]);
}

__global__ void multiply_tf32(const uint32_t* a, const uint32_t* b, const float* c, float* d) {
  unsigned lane = threadIdx.x;
  uint32_t fa[4], fb[2];
  float sums[4];
  for (unsigned i = 0; i < 4; ++i) fa[i] = a[lane * 4 + i];
  for (unsigned i = 0; i < 2; ++i) fb[i] = b[lane * 2 + i];
  for (unsigned i = 0; i < 4; ++i) sums[i] = c[lane * 4 + i];
  mma_tf32(sums, fa, fb);
  for (unsigned i = 0; i < 4; ++i) d[lane * 4 + i] = sums[i];
}

__global__ void multiply_bf16(const uint32_t* a, const uint32_t* b, const float* c, float* d) {
  unsigned lane = threadIdx.x;
  uint32_t fa[4], fb[2];
  float sums[4];
  for (unsigned i = 0; i < 4; ++i) fa[i] = a[lane * 4 + i];
  for (unsigned i = 0; i < 2; ++i) fb[i] = b[lane * 2 + i];
  for (unsigned i = 0; i < 4; ++i) sums[i] = c[lane * 4 + i];
  mma_bf16(sums, fa, fb);
  for (unsigned i = 0; i < 4; ++i) d[lane * 4 + i] = sums[i];
}

__global__ void load_words(const uint16_t* x, uint32_t* words) {
  KANTOR_DYNAMIC_SHARED(uint16_t, rows);  // 32 of 8, which is one a lane
  unsigned lane = threadIdx.x;
  for (unsigned i = lane; i < 32 * 8; i += 32) rows[i] = x[i];
  __syncwarp();
  uint32_t straight[4], transposed[4];
  load_matrices(straight, rows + lane * 8);
  load_matrices_transposed(transposed, rows + lane * 8);
  for (unsigned i = 0; i < 4; ++i) {
    words[lane * 4 + i] = straight[i];
    words[(32 + lane) * 4 + i] = transposed[i];
  }
}

__global__ void copy_pieces(const unsigned char* x, const unsigned* sources, unsigned char* y) {
  KANTOR_DYNAMIC_SHARED(unsigned char, tile);  // kPieces * (16 + 8 + 4): the largest first, so that all are aligned
  copy_piece<16>(x, sources, y, tile);
  int at = kPieces * 16;
  copy_piece<8>(x + at, sources + kPieces, y + at, tile + at);
  at += kPieces * 8;
  copy_piece<4>(x + at, sources + 2 * kPieces, y + at, tile + at);
}

__global__ void copy_groups(const float* x, float* y) {
  KANTOR_DYNAMIC_SHARED(float, tile);  // 3 blockDim.x
  unsigned i = threadIdx.x, n = blockDim.x;
  for (unsigned group = 0; group < 3; ++group) {
    copy_async<4>(tile + group * n + i, x + group * n + i);
    commit_copies();
  }
  wait_copies<2>();
  float sum = tile[i];
  wait_copies<1>();
  sum += tile[n + i];
  wait_copies<0>();
  y[i] = sum + tile[2 * n + i];
}

}  // namespace kantor::test
