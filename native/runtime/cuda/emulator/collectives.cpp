// Shuffles, votes, fences and atomics.
#include <algorithm>
#include <cstring>

#include "runtime/cuda/emulator/machine.h"

namespace kantor::emulator {

namespace {

struct Shuffle {
  void* value;
  size_t bytes;
  int source;
};

void finish_shuffle(void* const* operands) {
  uint64_t before[kLanes] = {};
  auto lane = [&](int l) { return static_cast<const Shuffle*>(operands[l]); };
  for (int l = 0; l < kLanes; ++l) std::memcpy(&before[l], lane(l)->value, lane(l)->bytes);
  for (int l = 0; l < kLanes; ++l) std::memcpy(lane(l)->value, &before[lane(l)->source], lane(l)->bytes);
}

struct Ballot {
  bool predicate;
  uint32_t result;
};

void finish_vote(void* const* operands) {
  uint32_t result = 0;
  for (int l = 0; l < kLanes; ++l) result |= uint32_t{static_cast<const Ballot*>(operands[l])->predicate} << l;
  for (int l = 0; l < kLanes; ++l) static_cast<Ballot*>(operands[l])->result = result;
}

template <class T, class Change>
T exchange(T* address, const void* code, Change change) {
  bool fenced = machine.current->fenced;
  check(address, sizeof(T), Access::atomic, code);
  machine.current->fenced = fenced;
  if (reinterpret_cast<uintptr_t>(address) - kMemory < kMemoryBytes) meet_at(address);
  T before = *address;
  *address = change(before);
  if (*address != before) ++machine.progress;
  return before;
}

}  // namespace

void warp_shuffle(uint32_t mask, void* value, size_t bytes, int source, Site site) {
  if (source < 0 || source >= kLanes) fail("a shuffle at %s:%d reads lane %d", site.file, site.line, source);
  Shuffle operand = {value, bytes, source};
  collective(mask, "a shuffle", &operand, finish_shuffle, site);
}

uint32_t warp_vote(uint32_t mask, bool predicate, Vote vote, Site site) {
  Ballot operand = {predicate, 0};
  collective(mask, "a vote", &operand, finish_vote, site);
  switch (vote) {
    case Vote::any: return operand.result != 0;
    case Vote::all: return operand.result == ~0u;
    case Vote::ballot: return operand.result;
  }
  return 0;
}

void fence() {
  Fiber& f = *machine.current;
  f.fenced = true;
  f.acquired.insert(f.acquired.end(), f.read_releases.begin(), f.read_releases.end());
  f.read_releases.clear();
}

void vector_access(const void* address, bool write) {
  check(address, 16, write ? Access::write : Access::read, __builtin_return_address(0));
}

}  // namespace kantor::emulator

#define KANTOR_ATOMIC(T, name, after)                                                               \
  T name(T* address, T value) {                                                                     \
    return kantor::emulator::exchange(address, __builtin_return_address(0), [value](T before) -> T { return after; }); \
  }
KANTOR_ATOMIC(float, atomicAdd, before + value)
KANTOR_ATOMIC(int, atomicAdd, before + value)
KANTOR_ATOMIC(unsigned, atomicAdd, before + value)
KANTOR_ATOMIC(unsigned long long, atomicAdd, before + value)
KANTOR_ATOMIC(int, atomicMax, std::max(before, value))
KANTOR_ATOMIC(unsigned, atomicMax, std::max(before, value))
KANTOR_ATOMIC(int, atomicMin, std::min(before, value))
KANTOR_ATOMIC(unsigned, atomicMin, std::min(before, value))
KANTOR_ATOMIC(unsigned, atomicExch, (static_cast<void>(before), value))
#undef KANTOR_ATOMIC

unsigned atomicCAS(unsigned* address, unsigned expected, unsigned value) {
  return kantor::emulator::exchange(address, __builtin_return_address(0),
                                    [=](unsigned before) { return before == expected ? value : before; });
}
