// Stacks of fibers, and the switch between them.
#include "runtime/cuda/emulator/machine.h"

#include <sys/mman.h>

#if !defined(__x86_64__)
#error "the emulated device has a context switch for x86-64 only"
#endif

// Saves what the System V convention has a function preserve. The last step is an indirect jump and not a return, which the
// processor's return stack would mispredict (5 ns against 14 ns).
asm(R"(
  .text
  .globl kantor_emulator_switch
  .type kantor_emulator_switch, @function
kantor_emulator_switch:
  pushq %rbx
  pushq %rbp
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbp
  popq %rbx
  popq %rcx
  jmpq *%rcx
  .size kantor_emulator_switch, . - kantor_emulator_switch
)");

namespace kantor::emulator {

namespace {

constexpr uint64_t kGuardBytes = 4096;
// Tops that are equal modulo a page would fight for the same sets of the cache.
constexpr uint64_t kColourStep = 320, kColours = 24;

std::byte* all_stacks = nullptr;
int stacks_made = 0;
std::vector<std::byte*> free_stacks;

}  // namespace

std::byte* take_stack() {
  if (free_stacks.empty()) {
    if (!all_stacks) all_stacks = reserve(kStacks, kStackBytes * kMaxStacks, "the stacks of threads");
    if (stacks_made == kMaxStacks) fail("more than %d threads are under way at once", kMaxStacks);
    std::byte* stack = all_stacks + kStackBytes * static_cast<uint64_t>(stacks_made++);
    mprotect(stack, kGuardBytes, PROT_NONE);
    free_stacks.push_back(stack);
  }
  std::byte* stack = free_stacks.back();
  free_stacks.pop_back();
  return stack;
}

void give_stack(std::byte* stack) { free_stacks.push_back(stack); }

void* first_frame(std::byte* stack, void (*entry)()) {
  uint64_t number = static_cast<uint64_t>(stack - all_stacks) / kStackBytes;
  void** top = reinterpret_cast<void**>(stack + kStackBytes - number % kColours * kColourStep);
  *--top = nullptr;  // where a caller's return address would be
  *--top = reinterpret_cast<void*>(entry);
  for (int i = 0; i < 6; ++i) *--top = nullptr;
  return top;
}

}  // namespace kantor::emulator
