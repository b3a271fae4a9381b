#include <cstdlib>
#include <system_error>

#include "runtime/cpu/processor.h"
#include "runtime/handles.h"

namespace kantor {

namespace {

constexpr int kMaxThreads = 1024;

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

}  // namespace

std::unique_ptr<kt_device> open_device(const std::string& name, int threads) {
  if (threads < 0 || threads > kMaxThreads)
    fail(KT_INVALID_ARGUMENT, "threads is %d; it must be 0 (all processors) to %d", threads, kMaxThreads);
  auto device = std::make_unique<kt_device>();
  device->name = name;
  if (name == "reference") {
    device->reference = true;
    return device;
  }
  if (name == "cpu") {
    const char* wanted = std::getenv("KANTOR_ISA");
    device->isa = wanted && *wanted ? isa_named(wanted, "KANTOR_ISA") : best_isa();
  } else if (name.starts_with("cpu-")) {
    device->isa = isa_named(name.substr(4), "device");
  } else {
    fail(KT_UNSUPPORTED, "no such device: '%s'; this build has cpu, cpu-avx512, cpu-avx2, cpu-portable and reference",
         name.c_str());
  }
  device->threads = threads ? threads : usable_processors();
  try {
    device->team = std::make_unique<Team>(device->threads);
  } catch (const std::system_error& e) {
    fail(KT_OUT_OF_MEMORY, "%d threads cannot be started: %s; ask for fewer", device->threads, e.what());
  }
  return device;
}

}  // namespace kantor
