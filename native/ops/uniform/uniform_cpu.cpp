#include "ops/philox_lanes.h"
#include "ops/uniform/uniform.h"

namespace kantor::KANTOR_ISA {

void prepare_uniform(const Node& node, Plan& plan) {
  constexpr int64_t kElements = 8192;
  int64_t count = node.out[0].count(), scale = node.attributes[1], offset = node.attributes[2];
  uint32_t stream = static_cast<uint32_t>(node.attributes[0]);
  float low = node.attribute_f32(3), width = node.attribute_f32(4) - low;
  const int64_t* seed = node.in[0].as<int64_t>();
  const int64_t* counter = node.in[1].as<int64_t>();
  float* out = node.out[0].f32();
  plan.phase(static_cast<int>((count + kElements - 1) / kElements), [=](int task, std::byte*) {
    int64_t begin = task * kElements, end = begin + kElements < count ? begin + kElements : count;
    auto transform = [&](const WordPairs& words, Vec& first, Vec& second) {
      first = fused(broadcast(width), to_float((IVec)(words.first >> 8)) * 0x1p-24f, broadcast(low));
      second = fused(broadcast(width), to_float((IVec)(words.second >> 8)) * 0x1p-24f, broadcast(low));
    };
    fill_random(out, begin, end, stream, random_step(*counter, scale, offset), static_cast<uint64_t>(*seed), transform);
  });
}

}  // namespace kantor::KANTOR_ISA
