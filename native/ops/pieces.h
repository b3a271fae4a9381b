// How the multi-tensor ops share out their work: tensors are cut into pieces and pieces gathered into tasks of at least
// kPieceElements elements (the last task aside), less than twice that. It depends on the sizes alone.
#pragma once
#include <cstdint>
#include <vector>

namespace kantor {

constexpr int64_t kPieceElements = 8192;

struct Piece {
  int tensor;
  int64_t begin, end;
};

struct Pieces {
  std::vector<Piece> all;
  std::vector<int> first;  // of each task, and the number of pieces at the end

  int tasks() const { return static_cast<int>(first.size()) - 1; }
};

inline Pieces cut(const std::vector<int64_t>& sizes) {
  Pieces pieces;
  int64_t filled = kPieceElements;
  for (size_t t = 0; t < sizes.size(); ++t)
    for (int64_t begin = 0; begin < sizes[t]; begin += kPieceElements) {
      if (filled >= kPieceElements) {
        pieces.first.push_back(static_cast<int>(pieces.all.size()));
        filled = 0;
      }
      int64_t end = begin + kPieceElements < sizes[t] ? begin + kPieceElements : sizes[t];
      pieces.all.push_back({static_cast<int>(t), begin, end});
      filled += end - begin;
    }
  pieces.first.push_back(static_cast<int>(pieces.all.size()));
  return pieces;
}

}  // namespace kantor
