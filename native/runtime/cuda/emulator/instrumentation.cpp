// g++ -fsanitize=thread calls these before each load and store of the kernels. They take the place of the real thread
// sanitizer's run-time library, which knows nothing of warps and barriers.
#include "runtime/cuda/emulator/machine.h"

using namespace kantor::emulator;

namespace {

inline void note(void* address, uint64_t bytes, Access access, const void* code) {
  if (machine.current && !is_stack(reinterpret_cast<uintptr_t>(address))) check(address, bytes, access, code);
}

// Packed data, of which the compiler itself says that it is not aligned, or a copied object.
inline void note_bytes(void* address, uint64_t bytes, Access access, const void* code) {
  bool on_device = reinterpret_cast<uintptr_t>(address) - kMemory < kDeviceBytes;
  if (!on_device) return note(address, bytes, access, code);
  for (uint64_t i = 0; i < bytes; ++i) note(static_cast<std::byte*>(address) + i, 1, access, code);
}

}  // namespace

extern "C" {

#define KANTOR_ACCESSES(N)                                                                                           \
  void __tsan_read##N(void* a) { note(a, N, Access::read, __builtin_return_address(0)); }                            \
  void __tsan_write##N(void* a) { note(a, N, Access::write, __builtin_return_address(0)); }
KANTOR_ACCESSES(1)
KANTOR_ACCESSES(2)
KANTOR_ACCESSES(4)
KANTOR_ACCESSES(8)
KANTOR_ACCESSES(16)

#define KANTOR_UNALIGNED_ACCESSES(N)                                                                                  \
  void __tsan_unaligned_read##N(void* a) { note_bytes(a, N, Access::read, __builtin_return_address(0)); }            \
  void __tsan_unaligned_write##N(void* a) { note_bytes(a, N, Access::write, __builtin_return_address(0)); }
KANTOR_UNALIGNED_ACCESSES(2)
KANTOR_UNALIGNED_ACCESSES(4)
KANTOR_UNALIGNED_ACCESSES(8)
KANTOR_UNALIGNED_ACCESSES(16)

void __tsan_read_range(void* a, uint64_t bytes) { note_bytes(a, bytes, Access::read, __builtin_return_address(0)); }
void __tsan_write_range(void* a, uint64_t bytes) { note_bytes(a, bytes, Access::write, __builtin_return_address(0)); }
void __tsan_vptr_read(void** a) { note(a, sizeof *a, Access::read, __builtin_return_address(0)); }
void __tsan_vptr_update(void** a, void*) { note(a, sizeof *a, Access::write, __builtin_return_address(0)); }
void __tsan_init() {}
}
