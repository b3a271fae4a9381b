#pragma once
#include "ops/tensor_pieces.h"
#include "runtime/program_format.h"

namespace kantor::cuda {

struct GradientNormsBody {
  static constexpr int kThreads = kBlockThreads, kElements = 8, kPiece = kElements * kBlockThreads;
  static constexpr int kWarps = kBlockThreads / kWarp;
  struct Arguments {
    const int64_t* counter;
    const float* const* tensors;
    const TensorPiece* pieces;
    const int* first_pieces;  // of each tensor, and at the end how many pieces there are
    double* squares;          // a piece's sum, infinite or NaN just where an element of it is
    unsigned* ticket;
    float* norms;
    int64_t* fault;
    int64_t first_id;
    int tensor_count, piece_count;
  };
  struct Shared {
    double parts[kWarps];
    int broken[kWarps];
    bool flag;
  };

  // By the last block. A warp adds up each eighth tensor, a lane each 32nd piece of it: a thread alone would wait for one
  // piece after another.
  __device__ static void add_tensors(const Arguments& a, Shared& shared) {
    const int warp = static_cast<int>(threadIdx.x) / kWarp, lane = static_cast<int>(threadIdx.x) % kWarp;
    double all = 0;
    int broken = a.tensor_count;  // the first tensor with an element that is not finite
    for (int k = warp; k < a.tensor_count; k += kWarps) {
      double sum = 0;
      const int end = a.first_pieces[k + 1];
      for (int p = a.first_pieces[k] + lane; p < end; p += kWarp) sum += a.squares[p];
      sum = block_sum<kWarp>(sum, static_cast<double*>(nullptr));
      if (lane == 0) a.norms[k] = static_cast<float>(sqrt(sum));
      if (!finite(sum)) broken = min(broken, k);
      all += sum;
    }
    if (lane == 0) shared.parts[warp] = all, shared.broken[warp] = broken;
    __syncthreads();
    if (threadIdx.x != 0) return;
    for (int w = 1; w < kWarps; ++w) {
      all += shared.parts[w];
      broken = min(broken, shared.broken[w]);
    }
    a.norms[a.tensor_count] = static_cast<float>(sqrt(all));
    if (broken < a.tensor_count && a.fault[kFaultCode] == 0) {
      a.fault[kFaultCode] = 1;
      a.fault[kFaultTensor] = a.first_id + broken;
      a.fault[kFaultIteration] = *a.counter;
      a.fault[3] = 0;
    }
  }

  __device__ static void run(const Arguments& a, unsigned block, Shared& shared) {
    const TensorPiece piece = a.pieces[block];
    const float* tensor = a.tensors[piece.tensor];
    float elements[kElements];
#pragma unroll
    for (int e = 0; e < kElements; ++e) {
      int i = piece.begin + e * kBlockThreads + static_cast<int>(threadIdx.x);
      elements[e] = i < piece.end ? tensor[i] : 0;
    }
    double mine = 0;  // in double no square of a float overflows: the sum is finite if and only if the elements are
#pragma unroll
    for (int e = 0; e < kElements; ++e) mine += static_cast<double>(elements[e]) * static_cast<double>(elements[e]);
    double sum = block_sum<kBlockThreads>(mine, shared.parts);
    if (threadIdx.x == 0) a.squares[block] = sum;
    if (last_block(a.ticket, static_cast<unsigned>(a.piece_count), shared.flag)) add_tensors(a, shared);
  }
};

}  // namespace kantor::cuda
