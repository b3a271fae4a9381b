// What threads of different blocks learn of each other through a fence, an atomic at one address, and a fence.
#pragma once
#include <cstdint>
#include <vector>

#include "runtime/cuda/emulator/checker.h"

namespace kantor::emulator {

struct Fiber;

// The first `count` releases at a place where atomics met in this phase.
struct Acquired {
  uint32_t place, count;
};

// The running thread's atomic at an address: it publishes what the thread did before its fence, and what the thread had
// learnt of others; the thread learns of what was published there, which counts once it has passed a fence again.
void meet_at(const void* address);
// Whether x happened before one of the releases.
bool released(const std::vector<Acquired>& acquired, const Stamp& x);
// A new phase begins.
void forget_releases();

}  // namespace kantor::emulator
