#include "ops/normal/box_muller.h"
#include "ops/normal/normal.h"
#include "ops/philox_lanes.h"

namespace kantor::KANTOR_ISA {

// box_muller, lane by lane: the same operations in the same order, hence the same bits.
inline void box_muller_lanes(const WordPairs& words, Vec& first, Vec& second) {
  Vec u1 = to_float((IVec)((words.first >> 8) + 1)) * 0x1p-24f;
  IVec exponent = (IVec)((UVec)u1 - kSqrtHalfBits) >> 23;
  Vec f = (Vec)((UVec)u1 - ((UVec)exponent << 23)) - 1.0f;
  Vec p = broadcast(log_coefficient(8));
  for (int i = 7; i >= 0; --i) p = fused(p, f, broadcast(log_coefficient(i)));
  Vec ln = fused(to_float(exponent), broadcast(kLn2), fused(f * f, p, f));
  Vec r = sqrt(-2.0f * ln);

  UVec n = words.second >> 8, quarter = (n + (1u << 21)) >> 22;
  Vec x = to_float((IVec)(n - (quarter << 22))) * 0x1p-22f, x2 = x * x;
  Vec s = broadcast(sin_coefficient(3)), c = broadcast(cos_coefficient(3));
  for (int i = 2; i >= 0; --i) {
    s = fused(s, x2, broadcast(sin_coefficient(i)));
    c = fused(c, x2, broadcast(cos_coefficient(i)));
  }
  s = s * x;
  c = fused(c, x2, broadcast(1.0f));
  UVec odd = 0 - (quarter & 1), difference = ((UVec)s ^ (UVec)c) & odd;
  first = r * (Vec)(((UVec)c ^ difference) ^ (((quarter + 1) & 2) << 30));
  second = r * (Vec)(((UVec)s ^ difference) ^ ((quarter & 2) << 30));
}

void prepare_normal(const Node& node, Plan& plan) {
  constexpr int64_t kElements = 4096;
  int64_t count = node.out[0].count(), scale = node.attributes[1], offset = node.attributes[2];
  uint32_t stream = static_cast<uint32_t>(node.attributes[0]);
  const int64_t* seed = node.in[0].as<int64_t>();
  const int64_t* counter = node.in[1].as<int64_t>();
  float* out = node.out[0].f32();
  plan.phase(static_cast<int>((count + kElements - 1) / kElements), [=](int task, std::byte*) {
    int64_t begin = task * kElements, end = begin + kElements < count ? begin + kElements : count;
    fill_random(out, begin, end, stream, random_step(*counter, scale, offset), static_cast<uint64_t>(*seed),
                box_muller_lanes);
  });
}

}  // namespace kantor::KANTOR_ISA
