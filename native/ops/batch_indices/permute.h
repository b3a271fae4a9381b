// The order of an epoch: the bijection of batch_indices.h, one position at a time.
#pragma once
#include "ops/philox.h"

namespace kantor {

constexpr uint32_t kPermuteStream = 0x5045524D;
constexpr int kPermuteRounds = 6;

// Half the width in bits of the network that covers count.
KANTOR_HD inline int permute_half_bits(uint32_t count) {
  int half = 1;
  while ((uint64_t{1} << (2 * half)) < count) ++half;
  return half;
}

KANTOR_HD inline uint32_t permute(uint32_t position, uint64_t seed, uint64_t epoch, uint32_t count) {
  int half = permute_half_bits(count);
  uint32_t mask = (1u << half) - 1, value = position;
  do {
    uint32_t left = value >> half, right = value & mask;
    for (int round = 0; round < kPermuteRounds; ++round) {
      uint32_t mixed = left ^ (philox(right, kPermuteStream + round, epoch, seed).x & mask);
      left = right;
      right = mixed;
    }
    value = left << half | right;
  } while (value >= count);
  return value;
}

}  // namespace kantor
