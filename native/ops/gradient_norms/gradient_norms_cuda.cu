#include "ops/gradient_norms/gradient_norms.h"

#include <numeric>

#include "ops/gradient_norms/gradient_norms_body.h"

namespace kantor::cuda {

void enqueue_gradient_norms(const Node& node, Recorder& r) {
  std::vector<int64_t> counts;
  std::vector<const float*> tensors;
  for (size_t k = 1; k < node.in.size(); ++k) {
    counts.push_back(node.in[k].count());
    tensors.push_back(node.in[k].f32());
  }
  std::vector<TensorPiece> pieces = cut_tensors(node, counts, GradientNormsBody::kPiece);
  int tensor_count = static_cast<int>(tensors.size()), piece_count = static_cast<int>(pieces.size());
  std::vector<int> first_pieces(tensors.size() + 1);
  for (const TensorPiece& piece : pieces) ++first_pieces[static_cast<size_t>(piece.tensor) + 1];
  std::partial_sum(first_pieces.begin(), first_pieces.end(), first_pieces.begin());
  GradientNormsBody::Arguments a = {node.in[0].as<int64_t>(), r.constants(tensors), r.constants(pieces),
                                    r.constants(first_pieces), r.scratch<double>(piece_count), r.tickets(1),
                                    node.out[0].f32(),
                                    node.out[1].as<int64_t>(), node.attributes[0], tensor_count, piece_count};
  r.launch<GradientNormsBody>(piece_count, a);
}

}  // namespace kantor::cuda
