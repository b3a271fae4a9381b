#include "support.h"

namespace kantor::test {

// "cpu-portable" and those of "cpu-avx2", "cpu-avx512" that this processor can run.
std::vector<std::string> tested_devices() {
  std::vector<std::string> names;
  for (const char* name : {"cpu-portable", "cpu-avx2", "cpu-avx512"}) {
    kt_device* device;
    if (kt_device_open(name, 1, &device) != KT_OK) continue;
    kt_device_close(device);
    names.push_back(name);
  }
  return names;
}

bool affordable(int64_t) { return true; }
double exp_ulps() { return 0; }
bool all_combinations() { return true; }
double least_tolerance() { return 0; }
std::vector<Precision> tested_precisions() { return {Precision::fp32}; }

}  // namespace kantor::test
