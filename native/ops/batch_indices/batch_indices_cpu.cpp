#include "ops/batch_indices/batch_indices.h"
#include "ops/batch_indices/permute.h"
#include "ops/philox_lanes.h"

namespace kantor::KANTOR_ISA {

// permute for kBlocks positions from first on; lanes that are done keep their value while the others walk on.
inline Wide permute_lanes(uint64_t first, uint64_t seed, uint64_t epoch, uint64_t count, int half) {
  Wide value = {};
  for (int i = 0; i < kBlocks; ++i) value[i] = first + static_cast<uint64_t>(i) < count ? first + i : 0;
  uint64_t mask = (uint64_t{1} << half) - 1;
  bool walking = true;
  for (bool again = false; walking; again = true) {
    Wide left = value >> half, right = value & mask;
    for (int round = 0; round < kPermuteRounds; ++round) {
      Wide mixed = left ^ (philox_lanes(right, kPermuteStream + round, epoch, seed).x & mask);
      left = right;
      right = mixed;
    }
    Wide next = left << half | right;
    walking = false;
    for (int i = 0; i < kBlocks; ++i) {
      if (!again || value[i] >= count) value[i] = next[i];
      walking |= value[i] >= count;
    }
  }
  return value;
}

void prepare_batch_indices(const Node& node, Plan& plan) {
  constexpr uint64_t kElements = 256;
  uint64_t n = static_cast<uint64_t>(node.out[0].count()), count = static_cast<uint64_t>(node.attributes[0]);
  int64_t scale = node.attributes[1], offset = node.attributes[2];
  int half = permute_half_bits(static_cast<uint32_t>(count));
  const int64_t* seed = node.in[0].as<int64_t>();
  const int64_t* counter = node.in[1].as<int64_t>();
  int32_t* out = node.out[0].as<int32_t>();
  plan.phase(static_cast<int>((n + kElements - 1) / kElements), [=](int task, std::byte*) {
    uint64_t batch = random_step(*counter, scale, offset), per_epoch = count / n;
    uint64_t epoch = batch / per_epoch, first = batch % per_epoch * n;
    uint64_t begin = static_cast<uint64_t>(task) * kElements, end = begin + kElements < n ? begin + kElements : n;
    for (uint64_t i = begin; i < end; i += kBlocks) {
      Wide value = permute_lanes(first + i, static_cast<uint64_t>(*seed), epoch, count, half);
      for (uint64_t k = 0; k < kBlocks && i + k < end; ++k) out[i + k] = static_cast<int32_t>(value[k]);
    }
  });
}

}  // namespace kantor::KANTOR_ISA
