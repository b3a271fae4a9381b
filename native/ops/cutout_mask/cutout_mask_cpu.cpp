#include "ops/cutout_mask/cutout_mask.h"

#include "ops/translate/translate.h"

namespace kantor::KANTOR_ISA {

void prepare_cutout_mask(const Node& node, Plan& plan) {
  const Tensor& mask = node.out[0];
  const int64_t h = mask.dims[2], w = mask.dims[3], rows = node.attributes[0], cols = node.attributes[1];
  const float* u = node.in[0].f32();
  float* out = mask.f32();
  plan.phase(static_cast<int>(mask.dims[0]), [=](int task, std::byte*) {
    const int64_t top = choose(u[2 * task], h + 1 - rows % 2) - rows / 2;
    const int64_t left = choose(u[2 * task + 1], w + 1 - cols % 2) - cols / 2;
    const int64_t from = std::clamp<int64_t>(left, 0, w), to = std::clamp<int64_t>(left + cols, from, w);
    float* image = out + task * h * w;
    std::fill_n(image, h * w, 1.0f);
    for (int64_t y = std::max<int64_t>(top, 0); y < std::min(h, top + rows); ++y)
      std::fill(image + y * w + from, image + y * w + to, 0.0f);
  });
}

}  // namespace kantor::KANTOR_ISA
