// A kernel that runs whole iterations: an interpreter of bodies (recorder.h). All its blocks are on the device at once;
// where one body depends on another, the whole grid meets.
#pragma once
#include "runtime/cuda/cuda_executor.h"

namespace kantor::cuda {

// One body's launch in the device's memory; its arguments follow. The kernel brings the next record on its way while it runs
// one.
struct alignas(16) PersistentRecord {
  const int64_t* guard;       // null: nothing holds it
  unsigned body;              // persistent_body()
  unsigned blocks;
  unsigned first;             // the block of the grid that takes its block 0; the next takes block 1, and so on
  unsigned meets;             // 1: the grid meets after it; 0: what follows touches nothing that this writes
  unsigned next, next_bytes;  // where the record that follows lies (after the last the first), and its size with arguments
};

struct PersistentProgram {
  const std::byte* records;  // the first begins here
  unsigned first_bytes, count;
  Outcome* outcome;  // the last meeting of an iteration comes after what writes it
};

// The number of a body that the kernel knows, by its key; -1 for others.
int persistent_body(const void* key);

// Brings the kernel onto the thread's device; once before the first launch there.
void load_persistent();

// Iterations until so many are done or the outcome says stop. blocks: of the grid, at most the device's multiprocessors.
void launch_persistent(const PersistentProgram& program, int64_t iterations, unsigned blocks, cudaStream_t stream);

}  // namespace kantor::cuda
