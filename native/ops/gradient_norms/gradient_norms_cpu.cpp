#include <cmath>

#include "ops/gradient_norms/gradient_norms.h"
#include "ops/pieces.h"
#include "ops/sums.h"
#include "runtime/program_format.h"

namespace kantor::KANTOR_ISA {

// Each piece leaves its sum of squares in scratch; it is not finite only if an element is not, so the guard costs
// nothing. One task then adds the sums in order.
void prepare_gradient_norms(const Node& node, Plan& plan) {
  std::vector<int64_t> sizes;
  std::vector<const float*> tensors;
  for (size_t k = 1; k < node.in.size(); ++k) {
    sizes.push_back(node.in[k].count());
    tensors.push_back(node.in[k].f32());
  }
  Pieces pieces = cut(sizes);
  int64_t first_id = node.attributes[0];
  const int64_t* counter = node.in[0].as<int64_t>();
  float* norms = node.out[0].f32();
  int64_t* fault = node.out[1].as<int64_t>();
  size_t at = plan.scratch(pieces.all.size() * sizeof(double));
  plan.phase(pieces.tasks(), [=](int task, std::byte* scratch) {
    double* squares = reinterpret_cast<double*>(scratch + at);
    for (int p = pieces.first[task]; p < pieces.first[task + 1]; ++p) {
      const Piece& piece = pieces.all[p];
      squares[p] = sum_of_squares(tensors[piece.tensor] + piece.begin, piece.end - piece.begin);
    }
  });
  plan.phase(1, [=](int, std::byte* scratch) {
    const double* squares = reinterpret_cast<const double*>(scratch + at);
    double all = 0;
    size_t p = 0;
    for (size_t k = 0; k < tensors.size(); ++k) {
      double sum = 0;
      for (; p < pieces.all.size() && pieces.all[p].tensor == static_cast<int>(k); ++p) sum += squares[p];
      norms[k] = static_cast<float>(std::sqrt(sum));
      all += sum;
      if (!std::isfinite(sum) && fault[kFaultCode] == 0) {
        fault[kFaultCode] = 1;
        fault[kFaultTensor] = first_id + static_cast<int64_t>(k);
        fault[kFaultIteration] = *counter;
        fault[3] = 0;
      }
    }
    norms[tensors.size()] = static_cast<float>(std::sqrt(all));
  });
}

}  // namespace kantor::KANTOR_ISA
