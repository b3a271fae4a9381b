// What a kind of device does in its own way: where its memory lies, and what replays programs on it.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "runtime/executor.h"
#include "runtime/program.h"

namespace kantor {

// Memory of a device, freed with this.
class DeviceBlock {
 public:
  virtual ~DeviceBlock() = default;
  std::byte* data = nullptr;
};

// What kt_device_describe tells beside the name.
struct DeviceFacts {
  std::string kind, isa;
  int threads = 1;
  std::string processor;
  std::string details = {};  // members for the JSON object: "a": 1, "b": 2
};

// What computes products and convolutions on a CUDA device: kt_device_open in kantor.h.
enum class EngineChoice : uint8_t { kantor, cudnn };

// One for each open device. Reads, writes and runs take turns; memory and executors may be made and freed beside them.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual DeviceFacts facts() const = 0;
  // Aligned to 64 bytes; what it holds is undefined unless zeroed. Throws KT_OUT_OF_MEMORY with a text that names what.
  virtual std::unique_ptr<DeviceBlock> allocate(uint64_t bytes, bool zeroed, const char* what) = 0;
  // Memory that holds what the host's does, which outlives it unchanged: that memory itself, or a copy.
  virtual std::unique_ptr<DeviceBlock> wrap(const void* host, uint64_t bytes) = 0;
  virtual void write(std::byte* to, const void* host, uint64_t bytes) = 0;
  virtual void read(void* host, const std::byte* from, uint64_t bytes) = 0;
  virtual bool runs_f64() const { return false; }
  // For a bound program, which outlives the executor.
  virtual std::unique_ptr<Executor> make_executor(const Program& program) = 0;
};

// Whose memory is the host's.
class HostBackend : public Backend {
 public:
  std::unique_ptr<DeviceBlock> allocate(uint64_t bytes, bool zeroed, const char* what) override;
  std::unique_ptr<DeviceBlock> wrap(const void* host, uint64_t bytes) override;
  void write(std::byte* to, const void* host, uint64_t bytes) override;
  void read(void* host, const std::byte* from, uint64_t bytes) override;
};

// Makes kt_device_open know another name; threads and engine are what it was given. For kinds of device that are loaded or
// linked apart.
using BackendFactory = std::function<std::unique_ptr<Backend>(int threads, EngineChoice engine)>;
void add_device(const std::string& name, BackendFactory factory);

}  // namespace kantor
