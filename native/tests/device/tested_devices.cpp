// The ops' case tables and whole programs run on the emulated device here: by the executor or engine that the environment
// variable KANTOR_TESTED_EXECUTOR names, else by the device's own choice.
#include <cstdlib>

#include "support.h"

namespace kantor::test {

std::vector<std::string> tested_devices() {
  const char* executor = std::getenv("KANTOR_TESTED_EXECUTOR");
  return {std::string("cuda-emulated") + (executor ? std::string("+") + executor : "")};
}
bool affordable(int64_t multiplications) { return multiplications < 1 << 24; }
double exp_ulps() { return 0; }
bool all_combinations() { return false; }
double least_tolerance() { return 0; }
std::vector<Precision> tested_precisions() { return {Precision::fp32, Precision::tf32, Precision::bf16}; }

}  // namespace kantor::test
