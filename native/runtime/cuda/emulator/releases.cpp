#include "runtime/cuda/emulator/releases.h"

#include <algorithm>
#include <unordered_map>

#include "runtime/cuda/emulator/machine.h"

namespace kantor::emulator {

namespace {

// What a thread had done, with its number among the releases of its place.
struct Release {
  uint32_t number, thread, block_epoch, warp_epoch;
};

struct Place {
  uint32_t count = 0;
  std::unordered_map<uint32_t, std::vector<Release>> by_block;
  std::vector<std::pair<uint32_t, Acquired>> learnt;  // what the releasing threads knew from other places
};

std::vector<Place> places;
std::unordered_map<const void*, uint32_t> place_at;

bool covers(const Release& r, const Stamp& x) {
  if (x.block_epoch != r.block_epoch) return x.block_epoch < r.block_epoch;
  return x.thread == r.thread || (x.warp() == r.thread >> 5 && x.warp_epoch < r.warp_epoch);
}

bool released(const Acquired& acquired, const Stamp& x) {
  const Place& place = places[acquired.place];
  if (auto found = place.by_block.find(x.block()); found != place.by_block.end())
    for (const Release& r : found->second)
      if (r.number < acquired.count && covers(r, x)) return true;
  return std::any_of(place.learnt.begin(), place.learnt.end(), [&](const auto& learnt) {
    return learnt.first < acquired.count && released(learnt.second, x);
  });
}

}  // namespace

void meet_at(const void* address) {
  Fiber& f = *machine.current;
  auto [at, is_new] = place_at.try_emplace(address, static_cast<uint32_t>(places.size()));
  if (is_new) places.emplace_back();
  uint32_t number = at->second;
  Place& place = places[number];
  if (place.count) f.read_releases.push_back({number, place.count});
  if (!f.fenced) return;
  const Stamp& now = machine.now;
  place.by_block[now.block()].push_back({place.count, now.thread, now.block_epoch, now.warp_epoch});
  for (const auto* known : {&f.acquired, &f.block->acquired})
    for (const Acquired& a : *known)
      if (a.place != number) place.learnt.emplace_back(place.count, a);  // of this place itself a later reader knows anyway
  ++place.count;
}

bool released(const std::vector<Acquired>& acquired, const Stamp& x) {
  return std::any_of(acquired.begin(), acquired.end(), [&](const Acquired& a) { return released(a, x); });
}

void forget_releases() {
  places.clear();
  place_at.clear();
}

}  // namespace kantor::emulator
