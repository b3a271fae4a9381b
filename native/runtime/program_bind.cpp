#include "runtime/program.h"

namespace kantor {

namespace {

bool overlap(const Tensor& a, const Tensor& b) { return a.data < b.data + b.bytes() && b.data < a.data + a.bytes(); }
bool same_range(const Tensor& a, const Tensor& b) { return a.data == b.data && a.bytes() == b.bytes(); }

void bind_operand(const std::vector<SlotMemory>& slots, std::byte* arena, const Place& place, Tensor& tensor,
                  bool allow_f64) {
  tensor.data = (place.slot == kArena ? arena : slots[place.slot].data) + place.offset;
  if (reinterpret_cast<uintptr_t>(tensor.data) % static_cast<uintptr_t>(size_of(tensor.dtype)) != 0)
    fail(KT_INVALID_ARGUMENT, "%s at offset %llu is not aligned to its element size", tensor.describe().c_str(),
         static_cast<unsigned long long>(place.offset));
  if (tensor.dtype == DType::f64 && !allow_f64)
    fail(KT_INVALID_ARGUMENT, "%s: only the reference device runs float64", tensor.describe().c_str());
}

void bind_instruction(const std::vector<SlotMemory>& slots, std::byte* arena, Instruction& instruction,
                      bool allow_f64) {
  Node& node = instruction.node;
  auto bind_all = [&](const char* role, const std::vector<Place>& places, std::vector<Tensor>& tensors) {
    for (size_t i = 0; i < tensors.size(); ++i) {
      try {
        bind_operand(slots, arena, places[i], tensors[i], allow_f64);
      } catch (const Error& e) {
        throw e.in(std::string(role) + " " + std::to_string(i));
      }
    }
  };
  bind_all("input", instruction.in, node.in);
  bind_all("output", instruction.out, node.out);
  for (size_t o = 0; o < node.out.size(); ++o) {
    uint32_t slot = instruction.out[o].slot;
    if (slot != kArena && slots[slot].read_only)
      fail(KT_INVALID_ARGUMENT, "output %zu lies in slot %u, which is wrapped host memory: programs may only read it",
           o, slot);
    for (size_t i = 0; i < node.in.size(); ++i)
      if (overlap(node.out[o], node.in[i]) && !same_range(node.out[o], node.in[i]))
        fail(KT_INVALID_ARGUMENT, "output %zu overlaps a part of input %zu; it may only be the same range or apart", o,
             i);
    for (size_t p = 0; p < o; ++p)
      if (overlap(node.out[o], node.out[p])) fail(KT_INVALID_ARGUMENT, "outputs %zu and %zu overlap", p, o);
  }
  instruction.entry->validate(node);
}

}  // namespace

void bind_program(Program& program, const std::vector<SlotMemory>& slots, std::byte* arena, bool allow_f64) {
  if (slots.size() != program.slots.size())
    fail(KT_INVALID_ARGUMENT, "the program has %zu slots; %zu memories were handed over", program.slots.size(),
         slots.size());
  for (size_t i = 0; i < slots.size(); ++i)
    if (slots[i].bytes < program.slots[i].bytes)
      fail(KT_INVALID_ARGUMENT, "slot %zu needs %llu bytes; the memory handed over for it has %llu", i,
           static_cast<unsigned long long>(program.slots[i].bytes), static_cast<unsigned long long>(slots[i].bytes));
  if (program.fault_slot != kNoSlot) {
    std::byte* fault = slots[program.fault_slot].data;
    if (reinterpret_cast<uintptr_t>(fault) % alignof(int64_t) != 0)
      fail(KT_INVALID_ARGUMENT, "fault slot %u is not aligned to 8 bytes", program.fault_slot);
    program.fault = reinterpret_cast<int64_t*>(fault);
  }
  for (size_t i = 0; i < program.instructions.size(); ++i) {
    Instruction& instruction = program.instructions[i];
    try {
      bind_instruction(slots, arena, instruction, allow_f64);
    } catch (const Error& e) {
      throw e.in("instruction " + std::to_string(i) + " (" + instruction.name + ")");
    }
  }
}

}  // namespace kantor
