#include "ops/batch_stats/batch_stats.h"

#include <memory>

#include "ops/batch_norm/moments.h"

namespace kantor::KANTOR_ISA {

void prepare_batch_stats(const Node& node, Plan& plan) {
  auto moments = std::make_shared<const Moments>(node.in[0], node.attribute_f32(0), node.out.data(), plan);
  plan.phase(moments->tasks(), [moments](int task, std::byte* scratch) { moments->measure(task, scratch); });
  const float *gamma = node.in[1].f32(), *beta = node.in[2].f32();
  float *scale = node.out[3].f32(), *shift = node.out[4].f32();
  plan.phase(moments->combine_tasks(), [=](int task, std::byte* scratch) {
    moments->combine(task, scratch, [=](int64_t c, double mean, double rstd) {
      scale[c] = static_cast<float>(static_cast<double>(gamma[c]) * rstd);
      shift[c] = static_cast<float>(static_cast<double>(beta[c]) - mean * static_cast<double>(scale[c]));
    });
  });
}

}  // namespace kantor::KANTOR_ISA
