#include "ops/translate/translate.h"

namespace kantor::KANTOR_ISA {

void prepare_translate(const Node& node, Plan& plan) {
  const Tensor& in = node.in[0];
  const int64_t channels = in.dims[1], h = in.dims[2], w = in.dims[3];
  const int64_t rows = node.attributes[0], cols = node.attributes[1], sign = node.attributes[2];
  const float *x = in.f32(), *u = node.in[1].f32();
  float* out = node.out[0].f32();
  plan.phase(static_cast<int>(in.dims[0]), [=](int task, std::byte*) {
    const int64_t n = task;
    const int64_t down = sign * (choose(u[2 * n], 2 * rows + 1) - rows);
    const int64_t right = sign * (choose(u[2 * n + 1], 2 * cols + 1) - cols);
    // Columns [from, to) of the output come from inside.
    const int64_t from = std::clamp<int64_t>(right, 0, w), to = std::clamp<int64_t>(w + right, from, w);
    for (int64_t plane = n * channels; plane < (n + 1) * channels; ++plane)
      for (int64_t row = 0; row < h; ++row) {
        float* target = out + (plane * h + row) * w;
        if (row - down < 0 || row - down >= h) {
          std::fill_n(target, w, 0.0f);
          continue;
        }
        const float* source = x + (plane * h + row - down) * w - right;
        std::fill_n(target, from, 0.0f);
        std::copy(source + from, source + to, target + from);
        std::fill(target + to, target + w, 0.0f);
      }
  });
}

}  // namespace kantor::KANTOR_ISA
