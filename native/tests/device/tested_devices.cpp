// The ops' case tables and whole programs run on the emulated device here.
#include "support.h"

namespace kantor::test {

std::vector<std::string> tested_devices() { return {"cuda-emulated"}; }
bool affordable(int64_t multiplications) { return multiplications < 1 << 24; }
bool all_combinations() { return false; }

}  // namespace kantor::test
