// On a GPU: the ops' case tables, whole programs, and (the suite "gpu") the samples and instructions that the emulator's
// tests run. KANTOR_TEST_DEVICE is the number of another GPU than the first; KANTOR_TESTED_EXECUTOR names another executor than
// the device's own choice, for the cases that run programs, or an engine, cudnn; KANTOR_SMALL_CASES leaves large cases out, for
// checkers under which kernels are slow.
#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

#include "ptx_cases.h"
#include "runtime/backend_library.h"
#include "runtime/cuda/device.h"
#include "sample_runs.h"
#include "support.h"

extern "C" const kantor::BackendLibrary* kantor_backend_library();

namespace kantor::test {

namespace {

int gpu() {
  const char* number = std::getenv("KANTOR_TEST_DEVICE");
  return number ? std::atoi(number) : 0;
}

const bool added = [] {
  add_device("cuda-tested",
             [](int, EngineChoice engine) { return open_backend(*kantor_backend_library(), gpu(), engine); });
  return true;
}();

bool is_small() { return std::getenv("KANTOR_SMALL_CASES"); }

}  // namespace

std::vector<std::string> tested_devices() {
  const char* executor = std::getenv("KANTOR_TESTED_EXECUTOR");
  return {std::string("cuda-tested") + (executor ? std::string("+") + executor : "")};
}
// CUDA's expf is up to 2 units off the number that is rounded right.
double exp_ulps() { return 1; }
// cuDNN may transform its factors, by Winograd's algorithm or Fourier's.
double least_tolerance() { return tested_devices()[0].ends_with("+cudnn") ? 2e-3 : 0; }
bool affordable(int64_t multiplications) { return !is_small() || multiplications < 1 << 24; }
bool all_combinations() { return !is_small(); }
std::vector<Precision> tested_precisions() { return {Precision::fp32, Precision::tf32, Precision::bf16}; }

}  // namespace kantor::test

TEST_SUITE("gpu") {
  TEST_CASE("right kernels give right results") {
    kantor::expect_success(cudaSetDevice(kantor::test::gpu()), "choosing the device");
    CHECK_EQ(std::string(kantor::test::run_samples()), "");
  }
  TEST_CASE("each instruction of ptx.h does what the PTX ISA says") {
    kantor::expect_success(cudaSetDevice(kantor::test::gpu()), "choosing the device");
    CHECK_EQ(std::string(kantor::test::run_ptx_cases()), "");
  }
}
