// What the opaque handles of kantor.h are.
#pragma once
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "runtime/backend.h"
#include "runtime/program.h"

// Every handle begins with a word of its own that closing wipes: a null, foreign or closed handle is met with an error
// rather than a crash, as far as that can be had cheaply.
struct kt_device {
  static constexpr uint32_t kMagic = 0x4B544456, kClosed = 0xDEADDE00;
  volatile uint32_t magic = kMagic;  // volatile: the store before delete is not dead
  std::string name;
  kantor::ExecutorChoice executor = kantor::ExecutorChoice::automatic;
  std::string note;  // why a GPU is not used, or nothing
  std::unique_ptr<kantor::Backend> backend;
  std::mutex turn;            // held by whoever runs a program or copies memory
  std::atomic<int> users{0};  // memories and programs not yet freed
};

struct kt_memory {
  static constexpr uint32_t kMagic = 0x4B544D45, kClosed = 0xDEADDE01;
  volatile uint32_t magic = kMagic;  // volatile: the store before delete is not dead
  kt_device* device = nullptr;
  std::unique_ptr<kantor::DeviceBlock> block;
  uint64_t bytes = 0;
  bool read_only = false;
  std::atomic<int> users{0};  // programs with a slot here
};

struct kt_program {
  static constexpr uint32_t kMagic = 0x4B545047, kClosed = 0xDEADDE02;
  volatile uint32_t magic = kMagic;  // volatile: the store before delete is not dead
  kt_device* device = nullptr;
  kantor::Program program;
  std::unique_ptr<kantor::DeviceBlock> arena;
  std::vector<kt_memory*> slots;
  std::unique_ptr<kantor::Executor> executor;
  std::atomic<bool> cancel{false};
};

namespace kantor {

template <class Handle>
Handle& checked(Handle* handle, const char* what) {
  if (!handle) fail(KT_INVALID_ARGUMENT, "%s is null", what);
  if (handle->magic != Handle::kMagic)
    fail(KT_INVALID_ARGUMENT, "%s is no %s: closed before, or another kind of handle", what, what);
  return *handle;
}

// Opens by name; throws KT_UNSUPPORTED or KT_INVALID_ARGUMENT.
std::unique_ptr<kt_device> open_device(const std::string& name, int threads);

// The JSON texts of kt_device_describe and kt_program_describe.
std::string describe(const kt_device& device);
std::string describe(const kt_program& program);

}  // namespace kantor
