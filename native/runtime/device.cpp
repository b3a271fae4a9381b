// The devices that kt_device_open knows.
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <system_error>

#include "runtime/cpu/processor.h"
#include "runtime/cpu/team.h"
#include "runtime/cuda_loader.h"
#include "runtime/handles.h"
#include "runtime/memory.h"

namespace kantor {

namespace {

constexpr int kMaxThreads = 1024;

struct HostBlock : DeviceBlock {
  explicit HostBlock(Block memory) : block(std::move(memory)) { data = block.data(); }
  Block block;
};

// One instruction after another by the ops' reference functions.
class ReferenceBackend : public HostBackend {
 public:
  DeviceFacts facts() const override { return {"reference", "none", 1, processor_name()}; }
  bool runs_f64() const override { return true; }
  std::unique_ptr<Executor> make_executor(const Program& program) override { return make_reference_executor(program); }
};

class CpuBackend : public HostBackend {
 public:
  CpuBackend(Isa isa, int threads) : isa_(isa), threads_(threads), team_(threads) {}
  DeviceFacts facts() const override { return {"cpu", name_of(isa_), threads_, processor_name()}; }
  std::unique_ptr<Executor> make_executor(const Program& program) override {
    return make_cpu_executor(program, isa_, team_);
  }

 private:
  Isa isa_;
  int threads_;
  Team team_;
};

Isa isa_named(const std::string& name, const char* where) {
  for (Isa isa : {Isa::portable, Isa::avx2, Isa::avx512})
    if (name == name_of(isa)) {
      if (!supports(isa))
        fail(KT_UNSUPPORTED, "%s: this processor (%s) has no %s; the best it has is %s", where,
             processor_name().c_str(), name.c_str(), name_of(best_isa()));
      return isa;
    }
  fail(KT_INVALID_ARGUMENT, "%s: no such instruction set: '%s'; there are portable, avx2 and avx512", where,
       name.c_str());
}

std::unique_ptr<Backend> make_cpu_backend(Isa isa, int threads) {
  if (threads == 0) threads = usable_processors();
  try {
    return std::make_unique<CpuBackend>(isa, threads);
  } catch (const std::system_error& e) {
    fail(KT_OUT_OF_MEMORY, "%d threads cannot be started: %s; ask for fewer", threads, e.what());
  }
}

std::map<std::string, BackendFactory>& added_devices() {
  static std::map<std::string, BackendFactory> all;
  return all;
}

std::unique_ptr<Backend> make_backend(const std::string& name, int threads, EngineChoice engine) {
  if (name == "reference") return std::make_unique<ReferenceBackend>();
  if (name == "cpu") {
    const char* wanted = std::getenv("KANTOR_ISA");
    return make_cpu_backend(wanted && *wanted ? isa_named(wanted, "KANTOR_ISA") : best_isa(), threads);
  }
  if (name.starts_with("cpu-")) return make_cpu_backend(isa_named(name.substr(4), "device"), threads);
  if (auto added = added_devices().find(name); added != added_devices().end()) return added->second(threads, engine);
  if (std::optional<int> index = cuda_index(name)) return open_cuda(*index, engine);
  fail(KT_UNSUPPORTED,
       "no such device: '%s'; there are auto, cpu, cpu-avx512, cpu-avx2, cpu-portable, reference, and cuda:0, cuda:1 ... on a "
       "machine with NVIDIA GPUs", name.c_str());
}

// The first GPU, or else the CPU.
void open_best(kt_device& device, int threads) {
  if (added_devices().contains("cuda:0") || cuda_driver_answers()) {
    try {
      device.backend = make_backend("cuda:0", threads, EngineChoice::kantor);
      device.name = "cuda:0";
      return;
    } catch (const Error& e) {
      device.note = e.what();
    }
  }
  device.backend = make_backend("cpu", threads, EngineChoice::kantor);
  device.name = "cpu";
}

}  // namespace

std::unique_ptr<DeviceBlock> HostBackend::allocate(uint64_t bytes, bool, const char* what) {
  return std::make_unique<HostBlock>(Block(bytes, what));
}

std::unique_ptr<DeviceBlock> HostBackend::wrap(const void* host, uint64_t bytes) {
  auto block = std::make_unique<DeviceBlock>();
  block->data = static_cast<std::byte*>(const_cast<void*>(host));  // kt_memory.read_only keeps every writer away
  prefer_huge_pages(host, bytes);
  return block;
}

void HostBackend::write(std::byte* to, const void* host, uint64_t bytes) { std::memcpy(to, host, bytes); }
void HostBackend::read(void* host, const std::byte* from, uint64_t bytes) { std::memcpy(host, from, bytes); }

void add_device(const std::string& name, BackendFactory factory) { added_devices()[name] = std::move(factory); }

namespace {

struct Choices {
  ExecutorChoice executor = ExecutorChoice::automatic;
  EngineChoice engine = EngineChoice::kantor;
};

// Takes "+graph" and so on off a CUDA device's name.
Choices take_choices(std::string& name) {
  Choices chosen;
  size_t plus = name.find('+');
  if (plus == std::string::npos) return chosen;
  std::string rest = name.substr(plus), device = name.substr(0, plus);
  if (!device.starts_with("cuda"))
    fail(KT_UNSUPPORTED, "only a CUDA device has a choice of executors and engines, and '%s' is none: leave '%s' out",
         device.c_str(), rest.c_str());
  name = device;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('+', 1), rest.size());
    const std::string wanted = rest.substr(1, end - 1);
    rest.erase(0, end);
    if (wanted == "graph") chosen.executor = ExecutorChoice::graph;
    else if (wanted == "serial") chosen.executor = ExecutorChoice::serial;
    else if (wanted == "persistent") chosen.executor = ExecutorChoice::persistent;
    else if (wanted == "cudnn") chosen.engine = EngineChoice::cudnn;
    else
      fail(KT_INVALID_ARGUMENT, "no such executor or engine: '%s'; there are graph, serial, persistent and cudnn",
           wanted.c_str());
  }
  if (chosen.executor == ExecutorChoice::persistent && chosen.engine != EngineChoice::kantor)
    fail(KT_INVALID_ARGUMENT, "the persistent kernel runs none of cuDNN's: leave '+persistent' or '+cudnn' (engine=cudnn) out");
  return chosen;
}

}  // namespace

std::unique_ptr<kt_device> open_device(const std::string& name, int threads) {
  if (threads < 0 || threads > kMaxThreads)
    fail(KT_INVALID_ARGUMENT, "threads is %d; it must be 0 (all processors) to %d", threads, kMaxThreads);
  auto device = std::make_unique<kt_device>();
  if (name == "auto") {
    open_best(*device, threads);
  } else {
    std::string base = name;
    const Choices chosen = take_choices(base);
    device->executor = chosen.executor;
    if (base == "cuda") base = "cuda:0";
    device->name = base + name.substr(std::min(name.find('+'), name.size()));
    device->backend = make_backend(base, threads, chosen.engine);
  }
  return device;
}

}  // namespace kantor
