// Kernels of one instruction of ptx.h each, and runs of them against plain loops: on the emulated device these hold the twins
// to the PTX ISA, on a GPU (../cuda) the hardware, and so each to the other.
#pragma once
#include "runtime/cuda/device.h"

namespace kantor::test {

// tf32[i] = to_tf32(x[i]), bf16[i] = to_bf16(x[i], x[n - 1 - i])
__global__ void round_to_words(const float* x, uint32_t* tf32, uint32_t* bf16, int n);
// d = c + a * b; word i of lane l at 4 l + i, those of b at 2 l + i. One warp.
__global__ void multiply_tf32(const uint32_t* a, const uint32_t* b, const float* c, float* d);
__global__ void multiply_bf16(const uint32_t* a, const uint32_t* b, const float* c, float* d);
// words [2][32][4] of four 8 x 8 matrices of 16 bits each, x: as they are, then transposed. One warp.
__global__ void load_words(const uint16_t* x, uint32_t* words);
// y = x in pieces of 4, 8 and 16 bytes, kPieces of each; of piece i the first sources[i] bytes, then zeros. kPieces threads.
constexpr int kPieces = 64;
__global__ void copy_pieces(const unsigned char* x, const unsigned* sources, unsigned char* y);
// y[i] = x[i] + x[i + n] + x[i + 2 n], copied to shared memory in three groups that are waited for one by one. n threads.
__global__ void copy_groups(const float* x, float* y);

// Nothing, or what is wrong: "multiply_tf32: element 3 is 1, expected 2".
const char* run_ptx_cases();

}  // namespace kantor::test
