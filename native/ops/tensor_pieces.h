// Several tensors in one launch: each is cut into pieces of equal size, one a block, whatever the tensors' number and sizes.
#pragma once
#include <vector>

#include "runtime/cuda/device_code.h"

namespace kantor::cuda {

struct TensorPiece {
  int tensor, begin, end;  // elements begin .. end - 1
};

inline std::vector<TensorPiece> cut_tensors(const Node& node, const std::vector<int64_t>& counts, int piece) {
  std::vector<TensorPiece> pieces;
  for (size_t k = 0; k < counts.size(); ++k)
    for (int begin = 0, n = extent(node, counts[k]); begin < n; begin += piece)
      pieces.push_back({static_cast<int>(k), begin, std::min(n, begin + piece)});
  return pieces;
}

}  // namespace kantor::cuda
