// The C interface: checks handles, takes the device's turn, turns errors into statuses.
#include "kantor/kantor.h"

#include <cstring>
#include <new>

#include "runtime/handles.h"

using namespace kantor;

namespace {

using ull = unsigned long long;

// Runs the body of a function of the interface; nothing is thrown across it.
template <class Body>
kt_status guard(const char* function, Body body) noexcept {
  try {
    try {
      return body();
    } catch (const Error& e) {
      throw e.in(function);
    }
  } catch (const Error& e) {
    set_error_text(e.what());
    return e.status();
  } catch (const std::bad_alloc&) {
    set_error_text("out of host memory while building internal tables");
    return KT_OUT_OF_MEMORY;
  } catch (const std::exception& e) {
    set_error_text(e.what());
    return KT_INTERNAL;
  } catch (...) {
    set_error_text("an unknown exception");
    return KT_INTERNAL;
  }
}

void check_pointer(const void* pointer, const char* what) {
  if (!pointer) fail(KT_INVALID_ARGUMENT, "%s is null", what);
}

void check_range(const kt_memory& memory, uint64_t offset, uint64_t bytes) {
  if (offset > memory.bytes || bytes > memory.bytes - offset)
    fail(KT_INVALID_ARGUMENT, "bytes %llu to %llu are not all inside a memory of %llu bytes", static_cast<ull>(offset),
         static_cast<ull>(offset + bytes), static_cast<ull>(memory.bytes));
}

void copy_out(const std::string& text, char* buffer, size_t capacity, size_t* needed) {
  if (needed) *needed = text.size() + 1;
  if (!buffer || capacity < text.size() + 1)
    fail(KT_INVALID_ARGUMENT, "the buffer has %zu bytes, the text needs %zu", buffer ? capacity : 0, text.size() + 1);
  std::memcpy(buffer, text.c_str(), text.size() + 1);
}

kt_status add_memory(kt_device& device, std::unique_ptr<kt_memory> memory, kt_memory** out) {
  memory->device = &device;
  device.users.fetch_add(1);
  *out = memory.release();
  return KT_OK;
}

std::unique_ptr<kt_program> build(kt_device& device, const void* bytes, uint64_t size, kt_memory* const* slots,
                                  uint64_t slot_count) {
  auto program = std::make_unique<kt_program>();
  program->device = &device;
  program->program = read_program(static_cast<const std::byte*>(bytes), size);
  program->program.executor = device.executor;
  if (slot_count != program->program.slots.size())
    fail(KT_INVALID_ARGUMENT, "the program has %zu slots; %llu memories were handed over",
         program->program.slots.size(), static_cast<ull>(slot_count));
  std::vector<SlotMemory> memories;
  for (uint64_t i = 0; i < slot_count; ++i) {
    kt_memory& memory = checked(slots[i], "memory");
    if (memory.device != &device)
      fail(KT_INVALID_ARGUMENT, "the memory for slot %llu is another device's", static_cast<ull>(i));
    memories.push_back({memory.block->data, memory.bytes, memory.read_only});
    program->slots.push_back(&memory);
  }
  Backend& backend = *device.backend;
  program->arena = backend.allocate(program->program.arena_bytes, false, "the program's arena");
  bind_program(program->program, memories, program->arena->data, backend.runs_f64());
  program->executor = backend.make_executor(program->program);
  return program;
}

[[noreturn]] void report_fault(Backend& backend, const Program& program, int64_t completed) {
  int64_t fault[4];
  backend.read(fault, reinterpret_cast<const std::byte*>(program.fault), sizeof fault);
  fail(KT_FAULT,
       "tensor %lld became NaN or infinite in iteration %lld (fault code %lld), after %lld whole iterations of this "
       "run; the state is that of the last good update. Lower the learning rate or clip the gradients, then clear slot "
       "%u",
       static_cast<long long>(fault[kFaultTensor]), static_cast<long long>(fault[kFaultIteration]),
       static_cast<long long>(fault[kFaultCode]), static_cast<long long>(completed), program.fault_slot);
}

}  // namespace

int32_t kt_abi_version(void) { return KT_ABI_VERSION; }
const char* kt_error_message(void) { return error_text(); }

kt_status kt_device_open(const char* name, int32_t threads, kt_device** device) {
  return guard("kt_device_open", [&] {
    check_pointer(name, "name");
    check_pointer(device, "device");
    *device = open_device(name, threads).release();
    return KT_OK;
  });
}

kt_status kt_device_close(kt_device* handle) {
  return guard("kt_device_close", [&] {
    kt_device& device = checked(handle, "device");
    if (int users = device.users.load())
      fail(KT_INVALID_ARGUMENT, "%d memories and programs of this device are still open; close them first", users);
    device.magic = kt_device::kClosed;
    delete handle;
    return KT_OK;
  });
}

kt_status kt_device_describe(kt_device* handle, char* buffer, size_t capacity) {
  return guard("kt_device_describe", [&] {
    copy_out(describe(checked(handle, "device")), buffer, capacity, nullptr);
    return KT_OK;
  });
}

kt_status kt_memory_allocate(kt_device* handle, uint64_t bytes, kt_memory** out) {
  return guard("kt_memory_allocate", [&] {
    kt_device& device = checked(handle, "device");
    check_pointer(out, "memory");
    if (bytes == 0) fail(KT_INVALID_ARGUMENT, "bytes is 0");
    auto memory = std::make_unique<kt_memory>();
    memory->block = device.backend->allocate(bytes, true, "device memory");
    memory->bytes = bytes;
    return add_memory(device, std::move(memory), out);
  });
}

kt_status kt_memory_wrap(kt_device* handle, const void* host, uint64_t bytes, kt_memory** out) {
  return guard("kt_memory_wrap", [&] {
    kt_device& device = checked(handle, "device");
    check_pointer(host, "host");
    check_pointer(out, "memory");
    if (bytes == 0) fail(KT_INVALID_ARGUMENT, "bytes is 0");
    auto memory = std::make_unique<kt_memory>();
    memory->block = device.backend->wrap(host, bytes);
    memory->bytes = bytes;
    memory->read_only = true;
    return add_memory(device, std::move(memory), out);
  });
}

kt_status kt_memory_free(kt_memory* handle) {
  return guard("kt_memory_free", [&] {
    kt_memory& memory = checked(handle, "memory");
    if (int users = memory.users.load())
      fail(KT_INVALID_ARGUMENT, "%d programs still use this memory; destroy them first", users);
    kt_device& device = *memory.device;
    memory.magic = kt_memory::kClosed;
    delete handle;
    device.users.fetch_sub(1);
    return KT_OK;
  });
}

kt_status kt_memory_write(kt_memory* handle, uint64_t offset, const void* host, uint64_t bytes) {
  return guard("kt_memory_write", [&] {
    kt_memory& memory = checked(handle, "memory");
    check_range(memory, offset, bytes);
    if (bytes == 0) return KT_OK;
    check_pointer(host, "host");
    if (memory.read_only) fail(KT_INVALID_ARGUMENT, "this memory wraps host memory, which is only read");
    std::lock_guard turn(memory.device->turn);
    memory.device->backend->write(memory.block->data + offset, host, bytes);
    return KT_OK;
  });
}

kt_status kt_memory_read(kt_memory* handle, uint64_t offset, void* host, uint64_t bytes) {
  return guard("kt_memory_read", [&] {
    kt_memory& memory = checked(handle, "memory");
    check_range(memory, offset, bytes);
    if (bytes == 0) return KT_OK;
    check_pointer(host, "host");
    std::lock_guard turn(memory.device->turn);
    memory.device->backend->read(host, memory.block->data + offset, bytes);
    return KT_OK;
  });
}

kt_status kt_program_create(kt_device* handle, const void* bytes, uint64_t size, kt_memory* const* slots,
                            uint64_t slot_count, kt_program** out) {
  return guard("kt_program_create", [&] {
    kt_device& device = checked(handle, "device");
    check_pointer(bytes, "bytes");
    check_pointer(out, "program");
    if (slot_count > 0) check_pointer(slots, "slots");
    std::unique_ptr<kt_program> program = build(device, bytes, size, slots, slot_count);
    for (kt_memory* memory : program->slots) memory->users.fetch_add(1);
    device.users.fetch_add(1);
    *out = program.release();
    return KT_OK;
  });
}

kt_status kt_program_destroy(kt_program* handle) {
  return guard("kt_program_destroy", [&] {
    kt_program& program = checked(handle, "program");
    for (kt_memory* memory : program.slots) memory->users.fetch_sub(1);
    kt_device& device = *program.device;
    program.magic = kt_program::kClosed;
    delete handle;
    device.users.fetch_sub(1);
    return KT_OK;
  });
}

kt_status kt_program_run(kt_program* handle, int64_t iterations, int64_t* completed) {
  return guard("kt_program_run", [&] {
    if (completed) *completed = 0;
    kt_program& program = checked(handle, "program");
    if (iterations < 0) fail(KT_INVALID_ARGUMENT, "iterations is %lld", static_cast<long long>(iterations));
    std::lock_guard turn(program.device->turn);
    RunResult result = program.executor->run(iterations, program.cancel);
    if (completed) *completed = result.completed;
    if (result.status == KT_FAULT) report_fault(*program.device->backend, program.program, result.completed);
    if (result.status == KT_CANCELLED)
      fail(KT_CANCELLED, "cancelled after %lld of %lld iterations", static_cast<long long>(result.completed),
           static_cast<long long>(iterations));
    return KT_OK;
  });
}

kt_status kt_program_cancel(kt_program* handle) {
  return guard("kt_program_cancel", [&] {
    checked(handle, "program").cancel.store(true);
    return KT_OK;
  });
}

kt_status kt_program_profile(kt_program* handle, int32_t enable) {
  return guard("kt_program_profile", [&] {
    kt_program& program = checked(handle, "program");
    std::lock_guard turn(program.device->turn);
    program.executor->enable_profile(enable != 0);
    return KT_OK;
  });
}

kt_status kt_program_describe(kt_program* handle, char* buffer, size_t capacity, size_t* needed) {
  return guard("kt_program_describe", [&] {
    kt_program& program = checked(handle, "program");
    std::lock_guard turn(program.device->turn);
    copy_out(describe(program), buffer, capacity, needed);
    return KT_OK;
  });
}
