// What is known of each 4 bytes of device memory: whether they may be used, whether they were written, and by whom they were
// last written and read; and the verdict on an access in the light of it.
#pragma once
#include <cstddef>
#include <cstdint>

namespace kantor::emulator {

enum class Access { read, write, atomic };

// When and where a thread touched something. Epochs count the barriers that its block and its warp have passed; the phase
// counts launches and barriers of the grid, across which everything is ordered.
struct Stamp {
  uint32_t phase = 0;
  uint32_t thread = 0;  // block * 1024 + thread in the block
  uint32_t block_epoch = 0;
  uint32_t warp_epoch = 0;
  uint32_t code = 0;  // the instruction, from the beginning of the program

  uint32_t block() const { return thread >> 10; }
  uint32_t warp() const { return thread >> 5; }
};

// Reserves the addresses for what is known, once; before anything else here.
void map_cells();

// Device or shared memory becomes usable or not, written or not; who touched it is forgotten.
void mark(const void* memory, uint64_t bytes, bool valid, bool initialised);

// What was written there counts as not written: an asynchronous copy is on its way.
void unwrite(const void* memory, uint64_t bytes);

// Looks at an access of the running thread, and fails if it is wrong. code: the return address in the kernel.
void check(const void* address, uint64_t bytes, Access access, const void* code);

}  // namespace kantor::emulator
