#include "runtime/cuda/emulator/memory.h"

#include <sys/mman.h>

#include <cstring>
#include <map>

#include "runtime/cuda/emulator/checker.h"
#include "runtime/cuda/emulator/machine.h"

namespace kantor::emulator {

namespace {

struct Allocation {
  uint64_t bytes;
  bool valid = false;  // between make_valid and make_invalid
  bool freed = false;  // after release: kept for messages, until all memory is free
};

std::map<uintptr_t, Allocation> allocations;
uintptr_t next = kMemory + kRedzone;
uint64_t used = 0;

uintptr_t number(const void* address) { return reinterpret_cast<uintptr_t>(address); }

// The last allocation that begins at or before the address, or allocations.end().
std::map<uintptr_t, Allocation>::iterator allocation_before(uintptr_t address) {
  auto after = allocations.upper_bound(address);
  return after == allocations.begin() ? allocations.end() : std::prev(after);
}

Allocation& allocation_at(const void* memory, const char* what) {
  auto found = allocations.find(number(memory));
  if (found == allocations.end() || found->second.freed)
    fail("%s: %p is not the beginning of a live allocation (it is %s)", what, memory,
         describe_allocation(number(memory)).c_str());
  return found->second;
}

}  // namespace

std::byte* reserve(uintptr_t at, uint64_t bytes, const char* what) {
  void* wanted = reinterpret_cast<void*>(at);
  void* got = mmap(wanted, bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
  if (got == MAP_FAILED || got != wanted)
    fail("%llu bytes of addresses for %s cannot be had at %p", static_cast<unsigned long long>(bytes), what, wanted);
  return static_cast<std::byte*>(got);
}

void map_memory() {
  static bool mapped = false;
  if (mapped) return;
  reserve(kMemory, kDeviceBytes, "the device's memory");
  map_cells();
  mapped = true;
}

std::byte* allocate(uint64_t bytes) {
  map_memory();
  uint64_t place = (bytes + kRedzone - 1) / kRedzone * kRedzone + kRedzone;
  if (used + bytes > options().memory_bytes || next + place > kMemory + kMemoryBytes) return nullptr;
  std::byte* memory = reinterpret_cast<std::byte*>(next);
  allocations[next] = {bytes};
  next += place;
  used += bytes;
  return memory;
}

void make_valid(std::byte* memory) {
  Allocation& allocation = allocation_at(memory, "an allocation");
  allocation.valid = true;
  std::memset(memory, 0xff, allocation.bytes);
  mark(memory, allocation.bytes, true, false);
}

void make_invalid(std::byte* memory) {
  Allocation& allocation = allocation_at(memory, "freeing");
  if (!allocation.valid) fail("freeing: %p is not usable at this point of its stream", static_cast<void*>(memory));
  allocation.valid = false;
  mark(memory, allocation.bytes, false, false);
}

void release(std::byte* memory) {
  Allocation& allocation = allocation_at(memory, "freeing");
  allocation.freed = true;
  allocation.valid = false;
  used -= allocation.bytes;
  // Addresses are not used again while something lives, so that a stale pointer is met; then all are.
  for (const auto& [address, a] : allocations)
    if (!a.freed) return;
  allocations.clear();
  next = kMemory + kRedzone;
}

uint64_t free_bytes() { return options().memory_bytes - used; }

void expect_allocated(const void* memory, uint64_t bytes, const char* what) {
  auto found = allocation_before(number(memory));
  if (found != allocations.end() && found->second.valid &&
      number(memory) + bytes <= found->first + found->second.bytes)
    return;
  fail("%s: %llu bytes at %p are not all in one live allocation (%s)", what, static_cast<unsigned long long>(bytes),
       memory, is_device_memory(memory) ? describe_allocation(number(memory)).c_str() : "host memory");
}

bool is_device_memory(const void* address) { return number(address) - kMemory < kMemoryBytes; }

std::string describe_allocation(uintptr_t address) {
  auto found = allocation_before(address);
  if (found == allocations.end() || address >= found->first + found->second.bytes + kRedzone) return "no allocation";
  const Allocation& a = found->second;
  std::string text = "byte " + std::to_string(address - found->first) + " of ";
  text += a.freed || !a.valid ? "a freed allocation" : "the allocation";
  return text + " of " + std::to_string(a.bytes) + " bytes";
}

}  // namespace kantor::emulator
