// The emulated device's memory: one range of addresses for cudaMalloc, one with a slot of shared memory for each block
// that is under way. Fixed addresses make the checker's tests cheap. Fresh memory holds NaN bytes.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

namespace kantor::emulator {

constexpr uintptr_t kMemory = uintptr_t{1} << 45;  // below where Linux puts programs and libraries
constexpr uint64_t kMemoryBytes = uint64_t{1} << 30;
constexpr uintptr_t kShared = kMemory + kMemoryBytes;
constexpr uint64_t kSharedSlot = uint64_t{256} << 10;  // for one block
constexpr int kSharedSlots = 1024;
constexpr uint64_t kSharedLimit = uint64_t{227} << 10;  // what an H100 gives one block
constexpr uint64_t kDeviceBytes = kMemoryBytes + kSharedSlots * kSharedSlot;
constexpr uintptr_t kStacks = kMemory + (uintptr_t{1} << 41);  // of the threads
constexpr uint64_t kStackBytes = 64 << 10;
constexpr int kMaxStacks = 16384;
inline bool is_stack(uintptr_t address) { return address - kStacks < kStackBytes * kMaxStacks; }
constexpr uint64_t kRedzone = 256;  // unused bytes around an allocation

// Reserves the addresses, once.
void map_memory();
// Anonymous zero memory at a fixed address, paid for as it is touched.
std::byte* reserve(uintptr_t at, uint64_t bytes, const char* what);

// Null where memory_bytes are used up.
std::byte* allocate(uint64_t bytes);
// The allocation becomes readable and writable, and later unusable again; its addresses are taken from allocate to release.
void make_valid(std::byte* memory);
void make_invalid(std::byte* memory);
void release(std::byte* memory);
uint64_t free_bytes();
// Fails unless all the bytes lie in one allocation that is valid.
void expect_allocated(const void* memory, uint64_t bytes, const char* what);
bool is_device_memory(const void* address);

// "byte 12 of the freed allocation of 64 bytes", for an address in device memory.
std::string describe_allocation(uintptr_t address);

}  // namespace kantor::emulator
