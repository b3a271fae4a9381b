// Finds NVIDIA's driver and the CUDA library, neither of which the core is linked with: a machine without a GPU has none of
// them.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/backend.h"

namespace kantor {

// What libcuda.so.1 says of this machine.
struct CudaDriver {
  int version = 0;                 // the latest CUDA that it runs, as 13000 for 13.0
  std::vector<std::string> gpus;   // their names, in the driver's order
  std::string unavailable;         // why nothing runs: no driver, or no GPU; empty where something does
};
CudaDriver query_cuda_driver();
bool cuda_driver_answers();  // with at least one GPU

// "13.0" of 13000.
inline std::string cuda_version_name(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

// The number in "cuda:1".
std::optional<int> cuda_index(const std::string& device);

// A GPU, by the libkantor_cuda.so beside this library. Throws KT_UNSUPPORTED with what is missing and how to come by it.
std::unique_ptr<Backend> open_cuda(int index, EngineChoice engine);

// Loads a library of backend_library.h, for as long as this process lives. Throws KT_UNSUPPORTED if it is not there or of
// another build.
struct BackendLibrary;
const BackendLibrary& load_backend_library(const std::string& file);

}  // namespace kantor
