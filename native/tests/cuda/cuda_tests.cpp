// On a GPU: the ops' case tables, whole programs, and the samples of the emulator's tests.
#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

#include "sample_runs.h"
#include "support.h"

namespace kantor::test {

// KANTOR_TEST_DEVICE names another GPU than the first.
std::vector<std::string> tested_devices() {
  const char* name = std::getenv("KANTOR_TEST_DEVICE");
  return {name ? name : "cuda:0"};
}
bool affordable(int64_t) { return true; }
bool all_combinations() { return true; }

}  // namespace kantor::test

TEST_CASE("right kernels give right results on a GPU") { CHECK(std::string(kantor::test::run_samples()) == ""); }
