#include "runtime/cpu/processor.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <thread>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace kantor {

const char* name_of(Isa isa) {
  switch (isa) {
    case Isa::portable: return "portable";
    case Isa::avx2: return "avx2";
    case Isa::avx512: return "avx512";
  }
  return "?";
}

Isa best_isa() {
  for (Isa isa : {Isa::avx512, Isa::avx2})
    if (supports(isa)) return isa;
  return Isa::portable;
}

#if defined(__x86_64__)

namespace {

struct Registers {
  uint32_t a = 0, b = 0, c = 0, d = 0;
};

Registers cpuid(uint32_t leaf, uint32_t subleaf = 0) {
  Registers r;
  __get_cpuid_count(leaf, subleaf, &r.a, &r.b, &r.c, &r.d);  // leaves zeros for a leaf that does not exist
  return r;
}

constexpr uint32_t bit(int n) { return uint32_t{1} << n; }
bool has(uint32_t flags, uint32_t wanted) { return (flags & wanted) == wanted; }

// The register state that the operating system saves: xgetbv with 0. Only valid where OSXSAVE is set.
uint32_t enabled_state() {
  uint32_t low, high;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

}  // namespace

// The kernels are compiled for x86-64-v3 and x86-64-v4, so everything in these levels is asked for.
bool supports(Isa isa) {
  if (isa == Isa::portable) return true;
  Registers one = cpuid(1), seven = cpuid(7), extended = cpuid(0x80000001u);
  constexpr uint32_t kFma = bit(12), kMovbe = bit(22), kOsxsave = bit(27), kAvx = bit(28), kF16c = bit(29);
  if (!has(one.c, kFma | kMovbe | kOsxsave | kAvx | kF16c)) return false;
  constexpr uint32_t kBmi1 = bit(3), kAvx2 = bit(5), kBmi2 = bit(8), kLzcnt = bit(5);
  if (!has(seven.b, kBmi1 | kAvx2 | kBmi2) || !has(extended.c, kLzcnt)) return false;
  constexpr uint32_t kYmm = 0x06, kZmm = 0xE6;
  uint32_t state = enabled_state();
  if (isa == Isa::avx2) return has(state, kYmm);
  constexpr uint32_t kF = bit(16), kDq = bit(17), kCd = bit(28), kBw = bit(30), kVl = bit(31);
  return has(seven.b, kF | kDq | kCd | kBw | kVl) && has(state, kZmm);
}

std::string processor_name() {
  char brand[49] = {};
  for (uint32_t i = 0; i < 3; ++i) {
    Registers r = cpuid(0x80000002u + i);
    std::memcpy(brand + 16 * i, &r, sizeof r);
  }
  std::string name = brand;
  size_t first = name.find_first_not_of(' ');
  return first == std::string::npos ? "x86-64" : name.substr(first, name.find_last_not_of(' ') - first + 1);
}

#else

bool supports(Isa isa) { return isa == Isa::portable; }
std::string processor_name() { return "unknown"; }

#endif

int usable_processors() {
  int processors = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  // cgroup v2: "quota period", or "max period" where there is no quota.
  if (FILE* file = std::fopen("/sys/fs/cgroup/cpu.max", "r")) {
    long long quota = 0, period = 0;
    if (std::fscanf(file, "%lld %lld", &quota, &period) == 2 && quota > 0 && period > 0)
      processors = static_cast<int>(std::min<long long>(processors, (quota + period - 1) / period));
    std::fclose(file);
  }
  return processors;
}

}  // namespace kantor
