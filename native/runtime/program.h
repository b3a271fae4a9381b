// A program in memory: the instructions of program_format.h, decoded, then bound to addresses and checked.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/op.h"
#include "runtime/program_format.h"

namespace kantor {

struct SlotDeclaration {
  DType dtype;
  uint64_t bytes;
};

// Where an operand lies, before it has an address.
struct Place {
  uint32_t slot;  // kArena: in the arena
  uint64_t offset;
};

struct Instruction {
  std::string name;  // what node.op views
  Node node;
  const OpEntry* entry;
  bool guarded;
  std::vector<Place> in, out;
};

// Which of a CUDA device's executors replays it: kt_device_open in kantor.h.
enum class ExecutorChoice : uint8_t { automatic, graph, serial, persistent };

struct Program {
  std::vector<SlotDeclaration> slots;
  uint64_t arena_bytes = 0;
  uint32_t fault_slot = kNoSlot;
  std::vector<Instruction> instructions;
  ExecutorChoice executor = ExecutorChoice::automatic;
  int64_t* fault = nullptr;  // the fault slot's memory once bound; null if the program has none
};

// Memory handed over for a slot.
struct SlotMemory {
  std::byte* data;
  uint64_t bytes;
  bool read_only;
};

// Decodes the bytes; checks everything that needs no addresses: counts, types, shapes, ranges. Throws
// KT_INVALID_ARGUMENT with a text that names the instruction, its op and what is wrong; KT_UNSUPPORTED for an op that
// this build does not have.
Program read_program(const std::byte* bytes, uint64_t size);

// Gives every operand its address, then checks alignment, writes to read-only memory and overlaps, and has each op
// validate its node. float64 is what only the reference device allows.
void bind_program(Program& program, const std::vector<SlotMemory>& slots, std::byte* arena, bool allow_f64);

}  // namespace kantor
