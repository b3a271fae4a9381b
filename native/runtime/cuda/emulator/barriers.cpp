// What a block, a warp or a grid does together.
#include <algorithm>
#include <cstring>
#include <utility>

#include "runtime/cuda/emulator/machine.h"

namespace kantor::emulator {

namespace {

std::vector<Site> barriers;

void note_barrier(Site site) {
  if (std::find(barriers.begin(), barriers.end(), site) == barriers.end()) barriers.push_back(site);
}

void expect_site(Site site, Site others, const char* what) {
  if (!(site == others))
    fail("divergent barrier: this thread is at %s %s, others wait at %s %s", what, describe(site).c_str(), what,
         describe(others).c_str());
}

void release_block(Block& block) {
  block.arrived = 0;
  ++block.epoch;
  block.predicates_before = block.predicates;
  block.predicates = 0;
  for (Fiber& f : block.fibers) {
    block.acquired.insert(block.acquired.end(), f.acquired.begin(), f.acquired.end());
    f.acquired.clear();
    f.fenced = false;
    if (&f != machine.current) wake(f);
  }
  refresh_stamp();
}

}  // namespace

std::vector<Site> take_barriers() { return std::exchange(barriers, {}); }

void block_barrier(Site site) { block_count(false, site); }

int block_count(bool predicate, Site site) {
  note_barrier(site);
  if (site == options().skipped_barrier) return 0;
  Fiber& f = *machine.current;
  Block& block = *f.block;
  ++machine.progress;
  if (block.exited)
    fail("divergent barrier: %s is at __syncthreads %s, but %u threads of its block have left the kernel",
         describe(f).c_str(), describe(site).c_str(), block.exited);
  if (block.arrived == 0)
    block.site = site;
  else
    expect_site(site, block.site, "__syncthreads");
  block.predicates += predicate;
  if (++block.arrived == block.fibers.size())
    release_block(block);
  else
    wait(State::at_block_barrier, "__syncthreads", site);
  return static_cast<int>(block.predicates_before);
}

void grid_barrier(Site site) {
  note_barrier(site);
  if (site == options().skipped_barrier) return;
  if (!machine.launch->cooperative)
    fail("grid barrier at %s, but the launch is not cooperative", describe(site).c_str());
  ++machine.progress;
  size_t arrived = 1, threads = 0;
  for (const Block* block : machine.blocks) {
    threads += block->fibers.size();
    if (block->exited) fail("grid barrier at %s, but threads have left the kernel", describe(site).c_str());
    for (const Fiber& f : block->fibers) {
      if (f.state != State::at_grid_barrier) continue;
      expect_site(site, f.site, "the grid's barrier");
      ++arrived;
    }
  }
  if (arrived < threads) return wait(State::at_grid_barrier, "the grid's barrier", site);
  ++machine.phase;
  forget_releases();
  refresh_stamp();
  for (Block* block : machine.blocks) {
    block->acquired.clear();
    for (Fiber& f : block->fibers) {
      f.acquired.clear();
      f.read_releases.clear();
      if (&f != machine.current) wake(f);
    }
  }
}

void collective(uint32_t mask, const char* what, void* operand, Finish finish, Site site) {
  Fiber& f = *machine.current;
  Warp& warp = f.block->warps[f.linear / kLanes];
  uint32_t lane = f.linear % kLanes;
  ++machine.progress;
  if (mask != ~0u) fail("%s at %s has the mask %08x; only the full mask is supported", what, describe(site).c_str(), mask);
  if (warp.arrived && !(warp.site == site && (warp.what == what || std::strcmp(warp.what, what) == 0)))
    fail("divergent warp: lane %u is at %s %s, others wait at %s %s", lane, what, describe(site).c_str(), warp.what,
         describe(warp.site).c_str());
  warp.what = what;
  warp.site = site;
  warp.operands[lane] = operand;
  Fiber* lanes = &f.block->fibers[f.linear - lane];
  if (warp.arrived == 0)
    for (uint32_t l = 0; l < kLanes; ++l)
      if (lanes[l].state == State::done)
        fail("divergent warp: lane %u is at %s %s, but lane %u has left the kernel", lane, what, describe(site).c_str(), l);
  if (++warp.arrived < kLanes) return wait(State::at_collective, what, site);
  if (finish) finish(warp.operands);
  warp.arrived = 0;
  ++warp.epoch;
  for (uint32_t l = 0; l < kLanes; ++l)
    if (l != lane) wake(lanes[l]);
  refresh_stamp();
}

void warp_barrier(uint32_t mask, Site site) {
  note_barrier(site);
  if (site == options().skipped_barrier) return;
  collective(mask, "__syncwarp", nullptr, nullptr, site);
}

}  // namespace kantor::emulator
