#include "runtime/cuda/emulator/checker.h"

#include <algorithm>
#include <cinttypes>

#include "runtime/cuda/emulator/machine.h"

namespace kantor::emulator {

namespace {

// Of 4 bytes; the masks have a bit a byte.
struct Cell {
  Stamp writer, readers[2];
  uint8_t valid, initialised, written, by_atomic;
};
static_assert(sizeof(Cell) == 64);

uintptr_t code_bias = 0;  // own_module()'s
constexpr uintptr_t kCells = kMemory + (uintptr_t{1} << 40);

Cell& cell_at(uint64_t offset) { return reinterpret_cast<Cell*>(kCells)[offset / 4]; }

// The cells of some bytes of device memory, each with the mask of those in it.
template <class Body>
void for_each_cell(uintptr_t address, uint64_t bytes, Body body) {
  uint64_t offset = address - kMemory;
  for (uint64_t done = 0, n; done < bytes; done += n) {
    unsigned first = (offset + done) % 4;
    n = std::min<uint64_t>(bytes - done, 4 - first);
    body(cell_at(offset + done), static_cast<uint8_t>(((1u << n) - 1) << first), address + done);
  }
}

// Whether what x stamps is sure to have happened before what the running thread does now.
bool happened_before(const Stamp& x) {
  const Stamp& now = machine.now;
  if (x.phase != now.phase || x.thread == now.thread) return true;
  if (x.block() == now.block())
    return x.block_epoch != now.block_epoch || (x.warp() == now.warp() && x.warp_epoch != now.warp_epoch);
  return released(machine.current->acquired, x) || released(machine.current->block->acquired, x);
}

const char* verb(Access access) {
  return access == Access::read ? "read" : access == Access::write ? "write" : "atomic";
}

// "element 3 of input 0 f32[4, 3]", or the nearest that can be said.
std::string describe(uintptr_t address) {
  if (address - kShared < kSharedSlots * kSharedSlot) {
    for (const Block* block : machine.blocks)
      for (const SharedObject& object : block->objects) {
        uintptr_t begin = reinterpret_cast<uintptr_t>(object.data);
        if (address < begin || address >= begin + object.bytes + 16) continue;
        std::string text = "byte " + std::to_string(address - begin) + " of the shared memory of " +
                           std::to_string(object.bytes) + " bytes";
        if (!object.key) return text + " that the launch asked for";
        std::string file = object.site.file;
        return text + " declared at " + file.substr(file.rfind('/') + 1) + ":" + std::to_string(object.site.line);
      }
    return "shared memory outside all objects";
  }
  const Operand* nearest = nullptr;
  uint64_t distance = 4 * kRedzone;
  for (const Operand& operand : *machine.operands) {
    uintptr_t begin = reinterpret_cast<uintptr_t>(operand.data);
    uint64_t d = address < begin ? begin - address : address - begin < operand.bytes ? 0 : address - begin - operand.bytes;
    if (d < distance) {
      nearest = &operand;
      distance = d;
    }
  }
  if (!nearest) return describe_allocation(address);
  int64_t bytes = static_cast<int64_t>(address - reinterpret_cast<uintptr_t>(nearest->data));
  return "element " + std::to_string(bytes / static_cast<int64_t>(nearest->element_bytes)) + " of " + nearest->name;
}

std::string describe_thread(const Stamp& s) {
  const uint3 &grid = machine.launch->grid, &size = machine.launch->block;
  unsigned block = s.block(), thread = s.thread % kMaxThreads;
  char text[160];
  std::snprintf(text, sizeof text, "block (%u, %u, %u) thread (%u, %u, %u)", block % grid.x, block / grid.x % grid.y,
                block / grid.x / grid.y, thread % size.x, thread / size.x % size.y, thread / size.x / size.y);
  return std::string(text) + " at " + find_code(reinterpret_cast<const void*>(own_module().bias + s.code - 1)).line;
}

[[noreturn]] void report(const char* what, Access access, uintptr_t address, const Stamp* other, const char* other_verb) {
  std::string text = std::string(what) + ": " + verb(access) + " of " + describe(address) + " by " +
                     describe_thread(machine.now);
  if (other) text += std::string("\n  against the ") + other_verb + " by " + describe_thread(*other);
  fail("%s", text.c_str());
}

// Memory that is not the device's: a launch's arguments and the program's constants may be read; the rest is the host's.
void check_elsewhere(uintptr_t address, Access access) {
  const Launch& launch = *machine.launch;
  if (access == Access::read &&
      (address - reinterpret_cast<uintptr_t>(launch.bound.data()) < launch.bound.size() ||
       address - own_module().begin < own_module().end - own_module().begin))
    return;
  char text[40];
  std::snprintf(text, sizeof text, "0x%" PRIxPTR, address);
  fail("%s: %s of %s by %s", address < 4096 ? "null pointer" : "host memory used in a kernel", verb(access), text,
       describe_thread(machine.now).c_str());
}

// The launch's node may touch its own operands only.
void check_operands(uintptr_t address, uint64_t bytes, Access access) {
  if (machine.operands->empty()) return;
  static size_t last_hit = 0;
  auto holds = [&](const Operand& o) {
    uintptr_t begin = reinterpret_cast<uintptr_t>(o.data);
    return address >= begin && address + bytes <= begin + o.bytes && (access == Access::read || o.writable);
  };
  const std::vector<Operand>& operands = *machine.operands;
  if (last_hit < operands.size() && holds(operands[last_hit])) return;
  for (size_t i = 0; i < operands.size(); ++i)
    if (holds(operands[i])) {
      last_hit = i;
      return;
    }
  bool inside = std::any_of(operands.begin(), operands.end(), [&](const Operand& o) {
    return address - reinterpret_cast<uintptr_t>(o.data) < o.bytes;
  });
  report(inside && access != Access::read ? "write to what the launch may only read" : "out of bounds", access, address,
         nullptr, nullptr);
}

void check_cell(Cell& cell, uint8_t mask, uintptr_t address, Access access) {
  if ((cell.valid & mask) != mask) report("out of bounds", access, address, nullptr, nullptr);
  if ((cell.written & mask) && !happened_before(cell.writer) && !(access == Access::atomic && cell.by_atomic))
    report("race", access, address, &cell.writer, cell.by_atomic ? "atomic" : "write");
  if (access != Access::write && (cell.initialised & mask) != mask)
    report("uninitialised memory", access, address, nullptr, nullptr);
  Stamp &r0 = cell.readers[0], &r1 = cell.readers[1];
  if (access == Access::read) {
    // Two readers are kept: with one from each of two threads, or better two warps, no later writer is before both.
    if (happened_before(r0))
      r0 = machine.now;
    else if (happened_before(r1) || (r0.warp() == r1.warp() && machine.now.warp() != r0.warp()))
      r1 = machine.now;
    return;
  }
  for (const Stamp* reader : {&r0, &r1})
    if (!happened_before(*reader)) report("race", access, address, reader, "read");
  cell.writer = machine.now;
  cell.written = mask;
  cell.by_atomic = access == Access::atomic;
  cell.initialised |= mask;
}

}  // namespace

void map_cells() {
  reserve(kCells, kDeviceBytes / 4 * sizeof(Cell), "the checker's cells");
  code_bias = own_module().bias;
}

void mark(const void* memory, uint64_t bytes, bool valid, bool initialised) {
  for_each_cell(reinterpret_cast<uintptr_t>(memory), bytes, [&](Cell& cell, uint8_t mask, uintptr_t) {
    cell.valid = static_cast<uint8_t>(valid ? cell.valid | mask : cell.valid & ~mask);
    cell.initialised = static_cast<uint8_t>(initialised ? cell.initialised | mask : cell.initialised & ~mask);
    cell.written = 0;
    cell.readers[0].phase = cell.readers[1].phase = 0;
  });
}

void unwrite(const void* memory, uint64_t bytes) {
  for_each_cell(reinterpret_cast<uintptr_t>(memory), bytes, [&](Cell& cell, uint8_t mask, uintptr_t) {
    cell.initialised = static_cast<uint8_t>(cell.initialised & ~mask);
  });
}

void check(const void* pointer, uint64_t bytes, Access access, const void* code) {
  uintptr_t address = reinterpret_cast<uintptr_t>(pointer), offset = address - kMemory;
  if (is_stack(address)) return;
  machine.now.code = static_cast<uint32_t>(reinterpret_cast<uintptr_t>(code) - code_bias);
  if (offset >= kDeviceBytes) return check_elsewhere(address, access);
  if (bytes <= 16 && (address & (bytes - 1)) != 0) report("misaligned", access, address, nullptr, nullptr);
  if (offset < kMemoryBytes) {
    if (!machine.current->started)
      report("global memory before the wait for the launch's predecessors", access, address, nullptr, nullptr);
    check_operands(address, bytes, access);
    if (access == Access::write) machine.current->fenced = false;
  }
  if (bytes == 4) return check_cell(cell_at(offset), 0xF, address, access);
  for_each_cell(address, bytes,
                [&](Cell& cell, uint8_t mask, uintptr_t at) { check_cell(cell, mask, at, access); });
}

}  // namespace kantor::emulator
