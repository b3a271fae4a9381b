// Philox 4x32-10 (Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3"): ten rounds,
// constants of the paper and of Random123, whose known answers the tests hold. One implementation for every device.
//
// The streams of Kantor:
//   key     = the low and high half of the 64-bit seed
//   counter = { block, stream, step low, step high }     block = element index / 4; element i takes word i % 4
// `step` is the value of a counter slot plus a constant, `stream` a number that the program gives each random op.
#pragma once
#include <cstdint>

#include "ops/host_device.h"

namespace kantor {

struct Philox4 {
  uint32_t x, y, z, w;
};

KANTOR_HD inline Philox4 philox(uint32_t block, uint32_t stream, uint64_t step, uint64_t seed) {
  uint32_t k0 = static_cast<uint32_t>(seed), k1 = static_cast<uint32_t>(seed >> 32);
  uint32_t c0 = block, c1 = stream, c2 = static_cast<uint32_t>(step), c3 = static_cast<uint32_t>(step >> 32);
  for (int round = 0; round < 10; ++round) {
    uint64_t p0 = uint64_t{0xD2511F53u} * c0, p1 = uint64_t{0xCD9E8D57u} * c2;
    uint32_t n0 = static_cast<uint32_t>(p1 >> 32) ^ c1 ^ k0, n2 = static_cast<uint32_t>(p0 >> 32) ^ c3 ^ k1;
    c1 = static_cast<uint32_t>(p1);
    c3 = static_cast<uint32_t>(p0);
    c0 = n0;
    c2 = n2;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return {c0, c1, c2, c3};
}

// [0, 1): the high 24 bits.
KANTOR_HD inline float uniform_from_bits(uint32_t bits) { return static_cast<float>(bits >> 8) * 0x1p-24f; }

// The step of a random op whose counter slot holds counter; wraps like the unsigned number it is.
KANTOR_HD inline uint64_t random_step(int64_t counter, int64_t scale, int64_t offset) {
  return static_cast<uint64_t>(counter) * static_cast<uint64_t>(scale) + static_cast<uint64_t>(offset);
}

}  // namespace kantor
