#pragma once
#include "ops/tensor_pieces.h"
#include "runtime/program_format.h"

namespace kantor::cuda {

struct GradientNormsBody {
  static constexpr int kThreads = kBlockThreads, kPiece = 8 * kBlockThreads;
  struct Arguments {
    const int64_t* counter;
    const float* const* tensors;
    const TensorPiece* pieces;
    double* squares;  // a piece's sum, infinite or NaN just where an element of it is
    double* totals;   // a tensor's
    int* broken;      // whether a tensor has such an element
    unsigned* ticket;
    float* norms;
    int64_t* fault;
    int64_t first_id;
    int tensor_count, piece_count;
  };
  struct Shared {
    double parts[kBlockThreads / kWarp];
    bool flag;
  };

  // The pieces lie tensor by tensor: thread k of the last block adds up tensor k, in order.
  __device__ static void add_tensor(const Arguments& a, int tensor) {
    int low = 0, high = a.piece_count;  // the first of its pieces
    while (low < high) {
      int middle = (low + high) / 2;
      a.pieces[middle].tensor < tensor ? low = middle + 1 : high = middle;
    }
    double sum = 0;
    for (int p = low; p < a.piece_count && a.pieces[p].tensor == tensor; ++p) sum += a.squares[p];
    a.totals[tensor] = sum;
    a.broken[tensor] = !finite(sum);
    a.norms[tensor] = static_cast<float>(sqrt(sum));
  }

  __device__ static void run(const Arguments& a, unsigned block, Shared& shared) {
    const TensorPiece piece = a.pieces[block];
    const float* tensor = a.tensors[piece.tensor];
    double mine = 0;  // in double no square of a float overflows: the sum is finite if and only if the elements are
    for (int i = piece.begin + static_cast<int>(threadIdx.x); i < piece.end; i += kBlockThreads)
      mine += static_cast<double>(tensor[i]) * static_cast<double>(tensor[i]);
    double sum = block_sum<kBlockThreads>(mine, shared.parts);
    if (threadIdx.x == 0) a.squares[block] = sum;
    if (!last_block(a.ticket, static_cast<unsigned>(a.piece_count), shared.flag)) return;
    for (int k = static_cast<int>(threadIdx.x); k < a.tensor_count; k += kBlockThreads) add_tensor(a, k);
    __syncthreads();
    if (threadIdx.x != 0) return;
    double all = 0;
    for (int k = 0; k < a.tensor_count; ++k) {
      all += a.totals[k];
      if (a.broken[k] && a.fault[kFaultCode] == 0) {
        a.fault[kFaultCode] = 1;
        a.fault[kFaultTensor] = a.first_id + k;
        a.fault[kFaultIteration] = *a.counter;
        a.fault[3] = 0;
      }
    }
    a.norms[a.tensor_count] = static_cast<float>(sqrt(all));
  }
};

}  // namespace kantor::cuda
