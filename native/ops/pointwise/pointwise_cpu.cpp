#include "ops/pointwise/pointwise_eval.h"

namespace kantor::KANTOR_ISA {
namespace {

constexpr int64_t kTaskElements = 8192;  // a few microseconds for the cheapest program, and a multiple of a cache line

}  // namespace

void prepare_pointwise(const Node& node, Plan& plan) {
  size_t position = 0;
  const PwProgram program = PwProgram::decode(node, &position, 0, 0, false);
  const PwKernel kernel(program, node.in.data(), node.out.data(), {.flatten = true});
  // Tasks are pieces of rows, or whole rows where those are short.
  const int64_t rows = kernel.rows(), cols = kernel.cols();
  const int64_t pieces = std::max<int64_t>(1, cols / kTaskElements);
  const int64_t width = ((cols + pieces - 1) / pieces + 15) / 16 * 16, across = (cols + width - 1) / width;
  const int64_t height = std::max<int64_t>(1, kTaskElements / width), down = (rows + height - 1) / height;
  plan.phase(static_cast<int>(across * down), [=](int task, std::byte*) {
    const int64_t row = task / across * height, col = task % across * width;
    kernel.run({row, std::min(height, rows - row), col, std::min(width, cols - col)});
  });
}

}  // namespace kantor::KANTOR_ISA
