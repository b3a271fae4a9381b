#include "runtime/cuda/emulator/machine.h"

#include <algorithm>
#include <cstdarg>
#include <cstring>
#include <map>
#include <numeric>
#include <random>
#include <utility>

#include "runtime/cuda/emulator/devices.h"

// What kernels read as threadIdx and so on (language.h).
uint3 thread_index asm("kantor_emulator_thread_index");
uint3 block_index asm("kantor_emulator_block_index");
uint3 block_size asm("kantor_emulator_block_size");
uint3 grid_size asm("kantor_emulator_grid_size");

namespace kantor::emulator {

Machine machine;

namespace {

void* scheduler = nullptr;  // its stack pointer while a fiber runs
std::string error;          // of the fiber that gave up
std::mt19937_64 shuffler;
constexpr int kIdleRounds = 10000;  // of nothing but spinning, until it counts as endless

std::string print(const char* format, va_list arguments) {
  char text[2048];
  std::vsnprintf(text, sizeof text, format, arguments);
  return text;
}

std::string print(const char* format, ...) __attribute__((format(printf, 1, 2)));
std::string print(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  std::string text = print(format, arguments);
  va_end(arguments);
  return text;
}

void leave() { kantor_emulator_switch(&machine.current->stack_pointer, scheduler); }

void finish_thread() {
  Fiber& f = *machine.current;
  Block& block = *f.block;
  Warp& warp = block.warps[f.linear / kLanes];
  if (warp.arrived)
    fail("%s left the kernel while other lanes of its warp wait at %s %s", describe(f).c_str(), warp.what,
         describe(warp.site).c_str());
  if (block.arrived)
    fail("divergent barrier: %s left the kernel while others wait at __syncthreads %s", describe(f).c_str(),
         describe(block.site).c_str());
  if (!f.started)
    fail("%s left the kernel, which was launched early, without waiting for its predecessors", describe(f).c_str());
  if (!f.copies.empty())
    fail("%s left the kernel with %zu asynchronous copies that it never waited for", describe(f).c_str(), f.copies.size());
  ++block.exited;
  ++machine.progress;
  f.state = State::done;
}

void run_thread() {
  machine.launch->call(machine.launch->bound.data());
  finish_thread();
  leave();
}

void give_turn(Fiber& f) {
  if (!f.stack) {
    f.stack = take_stack();
    f.stack_pointer = first_frame(f.stack, run_thread);
  }
  machine.current = &f;
  thread_index = f.index;
  block_index = f.block->index;
  refresh_stamp();
  kantor_emulator_switch(&scheduler, f.stack_pointer);
  machine.current = nullptr;
  if (f.state == State::done) {
    give_stack(f.stack);
    f.stack = nullptr;
  }
}

std::byte* carve(Block& block, const void* key, uint64_t bytes, uint64_t alignment, Site site) {
  constexpr uint64_t kGap = 16;
  uintptr_t at = reinterpret_cast<uintptr_t>(block.shared_top) + (block.objects.empty() ? 0 : kGap);
  std::byte* data = reinterpret_cast<std::byte*>((at + alignment - 1) / alignment * alignment);
  uint64_t total = bytes;
  for (const SharedObject& object : block.objects) total += object.bytes;
  if (total > kSharedLimit || data + bytes > block.shared + kSharedSlot)
    fail("the block asks for %llu bytes of shared memory; it can have %llu", static_cast<unsigned long long>(total),
         static_cast<unsigned long long>(kSharedLimit));
  block.shared_top = data + bytes;
  block.objects.push_back({key, data, bytes, site});
  std::memset(data, 0xff, bytes);
  mark(data, bytes, true, false);
  return data;
}

void set_up(Block& block, uint64_t linear, int slot) {
  const Launch& launch = *machine.launch;
  const uint3 &grid = launch.grid, &size = launch.block;
  uint32_t threads = size.x * size.y * size.z;
  block.index = {static_cast<unsigned>(linear % grid.x), static_cast<unsigned>(linear / grid.x % grid.y),
                 static_cast<unsigned>(linear / grid.x / grid.y)};
  block.linear = static_cast<uint32_t>(linear);
  block.arrived = block.exited = block.epoch = block.predicates = 0;
  block.acquired.clear();
  block.fibers.resize(threads);
  block.warps.resize(threads / kLanes);
  for (uint32_t i = 0; i < threads; ++i) {
    Fiber& f = block.fibers[i];
    f.stack = nullptr;
    f.index = {i % size.x, i / size.x % size.y, i / size.x / size.y};
    f.linear = i;
    f.block = &block;
    f.state = State::ready;
    f.waits_for = "";
    f.started = !launch.early;
    f.copies.clear();
    f.copy_groups.clear();
    f.fenced = false;
    f.read_releases.clear();
    f.acquired.clear();
  }
  for (Warp& warp : block.warps) warp.arrived = warp.epoch = 0;
  for (const SharedObject& object : block.objects) mark(object.data, object.bytes, false, false);
  block.objects.clear();
  block.shared = block.shared_top = reinterpret_cast<std::byte*>(kShared + static_cast<uint64_t>(slot) * kSharedSlot);
  if (launch.shared_bytes) carve(block, nullptr, launch.shared_bytes, 1024, {});
}

// Who waits where, for a launch in which nobody can go on.
std::string describe_waiting(const std::vector<Fiber*>& fibers) {
  std::map<std::string, std::pair<int, std::string>> groups;
  for (const Fiber* f : fibers) {
    std::string where = f->state == State::done    ? "have left the kernel"
                        : f->state == State::ready ? "spin"
                                                   : std::string("wait at ") + f->waits_for + " " + describe(f->site);
    auto& [count, first] = groups[where];
    if (count++ == 0) first = describe(*f);
  }
  std::string text;
  for (const auto& [where, group] : groups)
    text += "\n  " + std::to_string(group.first) + " threads " + where + ", the first of them " + group.second;
  return text;
}

// Gives the blocks' threads turns until all are done, or one has set error.
void run_together(const std::vector<Block*>& blocks) {
  machine.blocks = blocks;
  std::vector<Fiber*> fibers;
  for (Block* block : blocks)
    for (Fiber& f : block->fibers) fibers.push_back(&f);
  if (options().order == Order::reverse) std::reverse(fibers.begin(), fibers.end());
  uint64_t seen = machine.progress;
  for (int idle = 0; error.empty();) {
    if (options().order == Order::shuffled) std::shuffle(fibers.begin(), fibers.end(), shuffler);
    bool ran = false, all_done = true;
    for (Fiber* f : fibers) {
      if (f->state == State::ready) {
        ran = true;
        give_turn(*f);
        if (!error.empty()) break;
      }
      all_done &= f->state == State::done;
    }
    if (all_done) break;
    idle = machine.progress == seen ? idle + 1 : 0;
    seen = machine.progress;
    if (error.empty() && !ran) error = "deadlock: nobody can go on" + describe_waiting(fibers);
    if (error.empty() && idle > kIdleRounds) error = "endless spinning: nothing changes any more" + describe_waiting(fibers);
  }
  for (Fiber* f : fibers)
    if (f->stack) {
      give_stack(f->stack);
      f->stack = nullptr;
    }
}

void check_shape(const Launch& launch) {
  const uint3 &g = launch.grid, &b = launch.block;
  uint64_t blocks = uint64_t{g.x} * g.y * g.z, threads = uint64_t{b.x} * b.y * b.z;
  if (blocks == 0 || g.y > 65535 || g.z > 65535 || threads == 0 || threads > kMaxThreads || b.z > 64 ||
      blocks > (uint64_t{1} << 22))
    fail("no launch can have a grid of (%u, %u, %u) blocks of (%u, %u, %u) threads", g.x, g.y, g.z, b.x, b.y, b.z);
  if (threads % kLanes != 0)
    fail("blocks of %llu threads: a whole number of warps is expected", static_cast<unsigned long long>(threads));
  if (launch.shared_bytes > dynamic_limit(launch.kernel))
    fail("a launch with %zu bytes of dynamic shared memory, of a kernel that was not loaded with so much", launch.shared_bytes);
  if (launch.cooperative && (blocks > kSharedSlots || blocks * threads > 16384))
    fail("a cooperative launch of %llu blocks of %llu threads: they are not all on the device at once",
         static_cast<unsigned long long>(blocks), static_cast<unsigned long long>(threads));
  if (launch.cooperative && launch.early) fail("a cooperative launch that is early: its blocks would take the others' room");
}

void run_grid(const Launch& launch) {
  static std::deque<Block> pool;
  uint64_t count = uint64_t{launch.grid.x} * launch.grid.y * launch.grid.z;
  std::vector<uint64_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  if (options().order == Order::reverse) std::reverse(order.begin(), order.end());
  if (options().order == Order::shuffled) std::shuffle(order.begin(), order.end(), shuffler);
  size_t together = launch.cooperative ? count : 1;
  while (pool.size() < together) pool.emplace_back();
  for (uint64_t i = 0; i < count; i += together) {
    std::vector<Block*> blocks;
    for (size_t k = 0; k < together; ++k) {
      set_up(pool[k], order[i + k], static_cast<int>(k));
      blocks.push_back(&pool[k]);
    }
    run_together(blocks);
    if (!error.empty()) throw Error(std::exchange(error, {}));
  }
}

}  // namespace

std::string describe(const Site& site) {
  std::string file = site.file;
  return file.substr(file.rfind('/') + 1) + ":" + std::to_string(site.line);
}

std::string describe(const Fiber& f) {
  return print("block (%u, %u, %u) thread (%u, %u, %u)", f.block->index.x, f.block->index.y, f.block->index.z, f.index.x,
               f.index.y, f.index.z);
}

void refresh_stamp() {
  const Fiber& f = *machine.current;
  machine.now = {machine.phase, f.block->linear * kMaxThreads + f.linear, f.block->epoch,
                 f.block->warps[f.linear / kLanes].epoch, 0};
}

void wait(State state, const char* what, Site site) {
  Fiber& f = *machine.current;
  f.state = state;
  f.waits_for = what;
  f.site = site;
  leave();
}

void wake(Fiber& f) {
  f.state = State::ready;
  ++machine.progress;
}

bool operator==(const Site& a, const Site& b) {
  return a.line == b.line && (a.file == b.file || std::strcmp(a.file, b.file) == 0);
}

Options& options() {
  static Options all;
  return all;
}

void fail(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  std::string text = print(format, arguments);
  va_end(arguments);
  if (!machine.current) throw Error(text);
  error = text;
  leave();
  __builtin_unreachable();
}

void run(const Launch& launch, const std::vector<Operand>& operands) {
  map_memory();
  machine.launch = &launch;
  machine.operands = &operands;
  grid_size = launch.grid;
  block_size = launch.block;
  ++machine.phase;
  forget_releases();
  shuffler.seed(options().seed);
  try {
    check_shape(launch);
    run_grid(launch);
  } catch (const Error& e) {
    throw Error(find_code(launch.kernel).function + ": " + e.what());
  }
}

void* static_shared(const void* key, size_t bytes, size_t alignment, Site site) {
  Block& block = *machine.current->block;
  for (const SharedObject& object : block.objects)
    if (object.key == key) return object.data;
  return carve(block, key, bytes, std::max<size_t>(alignment, 16), site);
}

void* dynamic_shared() {
  const Block& block = *machine.current->block;
  if (!machine.launch->shared_bytes) fail("the kernel uses dynamic shared memory; the launch gave it none");
  return block.objects[0].data;
}

void wait_for_predecessors() { machine.current->started = true; }

int lane() { return static_cast<int>(machine.current->linear % kLanes); }

void yield() {
  if (machine.current) leave();
}

}  // namespace kantor::emulator
