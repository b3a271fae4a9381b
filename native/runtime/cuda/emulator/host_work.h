// How a library that is loaded apart, and has the handle of an emulated stream alone, works on the emulated device: for the
// tests' cuBLAS and cuDNN. A handle points at these functions.
#pragma once
#include <cstdint>
#include <functional>

namespace kantor::emulator {

struct HostWork {
  // Puts the work into the stream; it runs when its turn comes, and as often as a graph that has it is replayed. Counts as a
  // launch.
  void (*put)(HostWork* stream, std::function<void()> work) = nullptr;
  // While work runs: fails unless these bytes are allocated, and the launch's node may touch them. What is to be written is
  // filled with NaN and counts as written.
  void (*touch)(const void* memory, uint64_t bytes, bool writes, const char* what) = nullptr;
};

}  // namespace kantor::emulator
