// The insides of the emulated device: the threads of the blocks under way, and what they wait for.
#pragma once
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "runtime/cuda/emulator/checker.h"
#include "runtime/cuda/emulator/emulator.h"
#include "runtime/cuda/emulator/memory.h"
#include "runtime/cuda/emulator/releases.h"
#include "runtime/cuda/emulator/runtime_api.h"

namespace kantor::emulator {

constexpr int kLanes = 32;
constexpr int kMaxThreads = 1024;  // in a block

enum class State : uint8_t { ready, at_block_barrier, at_collective, at_grid_barrier, done };

struct Block;

// A cp.async that has been asked for.
struct AsyncCopy {
  std::byte* to;
  const std::byte* from;
  uint32_t bytes, source_bytes;
  const void* code;
};

struct Fiber {
  void* stack_pointer;
  std::byte* stack;  // null before its first turn and after its last
  uint3 index;
  uint32_t linear;  // in the block
  Block* block;
  State state;
  const char* waits_for;
  bool started;  // it may touch global memory: the launch is not early, or it has waited
  Site site;
  std::vector<AsyncCopy> copies;       // not yet waited for
  std::vector<uint32_t> copy_groups;   // how many of them each commit made a group of, oldest first
  bool fenced;                         // since its block's last barrier
  std::vector<Acquired> read_releases;  // met by an atomic, not yet by the fence after it
  std::vector<Acquired> acquired;       // since its block's last barrier
};

// A collective that some lanes of a warp have come to. The last one computes for all.
struct Warp {
  uint32_t arrived, epoch;
  const char* what;
  Site site;
  void* operands[kLanes];
};

struct SharedObject {
  const void* key;  // null for the dynamic part
  std::byte* data;
  uint64_t bytes;
  Site site;
};

struct Block {
  uint3 index;
  uint32_t linear;
  std::vector<Fiber> fibers;
  std::vector<Warp> warps;
  uint32_t arrived, exited, epoch;
  Site site;
  uint32_t predicates, predicates_before;
  std::byte *shared, *shared_top;
  std::vector<SharedObject> objects;
  std::vector<Acquired> acquired;  // by a thread of the block before its last barrier
};

struct Machine {
  Fiber* current = nullptr;                        // null on the host's side
  const Launch* launch = nullptr;                  // under way, or the last
  const std::vector<Operand>* operands = nullptr;  // what the launch may touch; empty: any device memory
  std::vector<Block*> blocks;                      // under way
  Stamp now;                                       // of the running thread
  uint32_t phase = 0;
  uint64_t progress = 0;  // counts what a thread that spins could wait for
};
extern Machine machine;

// Abandons the launch, or throws on the host's side. printf-style.
[[noreturn]] void fail(const char* format, ...) __attribute__((format(printf, 1, 2)));

// "gemm_cuda.cu:12", "block (0, 0, 0) thread (5, 0, 0)".
std::string describe(const Site& site);
std::string describe(const Fiber& fiber);

// The running thread gives its turn away until another wakes it.
void wait(State state, const char* what, Site site);
void wake(Fiber& fiber);
// Sets machine.now by the running thread and its epochs.
void refresh_stamp();

// Runs the whole grid.
void run(const Launch& launch, const std::vector<Operand>& operands);

// What a warp does together: finish gets the operands of all 32 lanes once the last has come.
using Finish = void (*)(void* const* operands);
void collective(uint32_t mask, const char* what, void* operand, Finish finish, Site site);

// "gemm_cuda.cu:12" and the function's name, by the program's debug information.
struct CodePlace {
  std::string function, line;
};
CodePlace find_code(const void* address);

// The program or library that the kernels are in.
struct Module {
  uintptr_t bias;        // what it was moved by: code is kept, and looked up, as address - bias
  uintptr_t begin, end;  // of its code and data
  std::string file;
};
const Module& own_module();

// Fiber stacks.
std::byte* take_stack();
void give_stack(std::byte* stack);
// The first frame of a new fiber, to be switched to.
void* first_frame(std::byte* stack, void (*entry)());

}  // namespace kantor::emulator

// Leaves one stack for another; returns when something switches back.
extern "C" void kantor_emulator_switch(void** save, void* load);
