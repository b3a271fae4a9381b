#include "runtime/cuda_loader.h"

#include <dlfcn.h>
#include <unistd.h>

#include <charconv>

#include "runtime/backend_library.h"

namespace kantor {

namespace {

constexpr const char* kDriver = "libcuda.so.1";
constexpr const char* kLibrary = "libkantor_cuda.so";

// The folder of the library or program that this is part of.
std::string own_folder() {
  Dl_info info;
  if (!dladdr(reinterpret_cast<const void*>(&query_cuda_driver), &info) || !info.dli_fname) return ".";
  std::string file = info.dli_fname;
  size_t slash = file.rfind('/');
  return slash == std::string::npos ? "." : file.substr(0, slash);
}

std::string list(const std::vector<std::string>& gpus) {
  std::string text;
  for (size_t i = 0; i < gpus.size(); ++i) text += (i ? ", cuda:" : "cuda:") + std::to_string(i) + " (" + gpus[i] + ")";
  return text;
}

// Calls a function of the driver, which returns 0 or the number of an error; -1 where the driver has no such function.
template <class... Arguments>
int call(void* driver, const char* function, Arguments... arguments) {
  auto address = reinterpret_cast<int (*)(Arguments...)>(dlsym(driver, function));
  return address ? address(arguments...) : -1;
}

}  // namespace

CudaDriver query_cuda_driver() {
  CudaDriver found;
  void* driver = dlopen(kDriver, RTLD_NOW | RTLD_LOCAL);  // stays open: what it starts cannot be taken back
  if (!driver) {
    found.unavailable = std::string("no NVIDIA driver answers (") + dlerror() + "); install the driver of your GPU";
    return found;
  }
  call(driver, "cuDriverGetVersion", &found.version);
  constexpr int kNoDevice = 100;  // CUDA_ERROR_NO_DEVICE
  int count = 0, error = call(driver, "cuInit", 0u);
  if (error == 0) error = call(driver, "cuDeviceGetCount", &count);
  if (error == kNoDevice || (error == 0 && count == 0)) {
    found.unavailable = "the NVIDIA driver (for CUDA " + cuda_version_name(found.version) +
                        ") finds no GPU; does nvidia-smi list one, and does CUDA_VISIBLE_DEVICES leave it?";
  } else if (error != 0) {
    const char* name = nullptr;
    call(driver, "cuGetErrorName", error, &name);
    found.unavailable = "the NVIDIA driver (for CUDA " + cuda_version_name(found.version) + ") does not start: " +
                        (name ? name : "error " + std::to_string(error)) + "; does nvidia-smi work?";
  }
  for (int i = 0; i < count && found.unavailable.empty(); ++i) {
    int device = 0;
    char name[256] = "unknown";
    if (call(driver, "cuDeviceGet", &device, i) == 0) call(driver, "cuDeviceGetName", name, int{sizeof name}, device);
    found.gpus.push_back(name);
  }
  return found;
}

bool cuda_driver_answers() { return query_cuda_driver().unavailable.empty(); }

std::optional<int> cuda_index(const std::string& device) {
  if (!device.starts_with("cuda:")) return std::nullopt;
  int index = -1;
  const char *begin = device.data() + 5, *end = device.data() + device.size();
  auto [rest, error] = std::from_chars(begin, end, index);
  return error == std::errc() && rest == end && index >= 0 ? std::optional(index) : std::nullopt;
}

const BackendLibrary& load_backend_library(const std::string& file) {
  void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) fail(KT_UNSUPPORTED, "%s cannot be loaded: %s", file.c_str(), dlerror());
  auto function = reinterpret_cast<const BackendLibrary* (*)()>(dlsym(library, kBackendLibraryFunction));
  constexpr const char* kRemedy = "build both from the same sources: KANTOR_CUDA=ON ./kantor info";
  if (!function) fail(KT_UNSUPPORTED, "%s is no library of Kantor's; %s", file.c_str(), kRemedy);
  const BackendLibrary& table = *function();
  if (table.version != kBackendLibraryVersion)
    fail(KT_UNSUPPORTED, "%s has version %u of the border between the libraries, this core has %u; %s", file.c_str(),
         table.version, kBackendLibraryVersion, kRemedy);
  if (build_mark() != table.mark)
    fail(KT_UNSUPPORTED, "%s was built otherwise (%s) than this core (%s); %s", file.c_str(), table.mark,
         build_mark().c_str(), kRemedy);
  return table;
}

std::unique_ptr<Backend> open_cuda(int index, EngineChoice engine) {
  CudaDriver driver = query_cuda_driver();
  if (!driver.unavailable.empty()) fail(KT_UNSUPPORTED, "%s, or use --device cpu", driver.unavailable.c_str());
  if (index >= static_cast<int>(driver.gpus.size()))
    fail(KT_UNSUPPORTED, "there is no cuda:%d; there are %s", index, list(driver.gpus).c_str());
  std::string file = own_folder() + "/" + kLibrary;
  if (access(file.c_str(), F_OK) != 0)
    fail(KT_UNSUPPORTED,
         "this machine has %s, but Kantor was built without CUDA: there is no %s. Install the CUDA toolkit (nvcc, 12.8 or "
         "later) and build it: KANTOR_CUDA=ON ./kantor info; or use --device cpu", list(driver.gpus).c_str(), file.c_str());
  return open_backend(load_backend_library(file), index, engine);
}

}  // namespace kantor
