// The ops' case tables and whole programs run on the emulated device here.
#include "support.h"

namespace kantor::test {

std::vector<std::string> tested_devices() { return {"cuda-emulated"}; }
bool affordable(int64_t multiplications) { return multiplications < 1 << 24; }
bool all_combinations() { return false; }
std::vector<Precision> tested_precisions() { return {Precision::fp32, Precision::tf32, Precision::bf16}; }

}  // namespace kantor::test
