#include "runtime/cuda/engine/libraries.h"

#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <initializer_list>
#include <vector>

namespace kantor::cuda {

namespace {

constexpr const char* kPath = "KANTOR_CUDA_LIBRARY_PATH";
constexpr const char* kRemedy =
    "install both (on Debian and Ubuntu from NVIDIA's repository: libcublas-13-0 and libcudnn9-cuda-13; by pip: "
    "nvidia-cublas-cu12 and nvidia-cudnn-cu12, which PyTorch brings along in site-packages/nvidia/*/lib), and name the "
    "folders that have them in LD_LIBRARY_PATH or KANTOR_CUDA_LIBRARY_PATH; or leave engine=cudnn out";

using Folders = std::vector<std::string>;

Folders split(const std::string& path) {
  Folders all;
  for (size_t from = 0, to; from <= path.size(); from = to + 1) {
    to = std::min(path.find(':', from), path.size());
    if (to > from) all.push_back(path.substr(from, to - from));
  }
  return all;
}

// Those to look into; "" is where the system looks.
Folders folders() {
  if (const char* path = std::getenv(kPath); path && *path) return split(path);
  Folders all = {""};
  for (const char* root : std::initializer_list<const char*>{std::getenv("CUDA_PATH"), std::getenv("CUDA_HOME"), "/usr/local/cuda"})
    if (root && *root)
      for (const char* part : {"/lib64", "/lib", "/targets/x86_64-linux/lib", "/targets/sbsa-linux/lib"})
        all.push_back(std::string(root) + part);
  return all;
}

std::string listed(const Folders& all) {
  std::string text;
  for (const std::string& folder : all) text += (text.empty() ? "" : ", ") + (folder.empty() ? "the system's" : folder);
  return text;
}

struct Opened {
  void* library = nullptr;
  std::string file;
};

// The first of the names that is there.
Opened open(const char* what, const std::vector<std::string>& names) {
  const Folders all = folders();
  std::string failed;
  for (const std::string& name : names)
    for (const std::string& folder : all) {
      std::string file = folder.empty() ? name : folder + "/" + name;
      if (!folder.empty() && access(file.c_str(), F_OK) != 0) continue;
      if (void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL)) return {library, file};
      if (!folder.empty()) failed = dlerror();
    }
  if (!failed.empty()) fail(KT_UNSUPPORTED, "engine=cudnn: %s cannot be loaded: %s", what, failed.c_str());
  fail(KT_UNSUPPORTED, "engine=cudnn needs %s, and there is no %s in these folders: %s; %s", what, names.front().c_str(),
       listed(all).c_str(), kRemedy);
}

template <class Function>
void find(const Opened& in, const char* name, Function* function) {
  *function = reinterpret_cast<Function>(dlsym(in.library, name));
  if (!*function)
    fail(KT_UNSUPPORTED, "engine=cudnn: %s has no function %s, so it is not what its name says; %s", in.file.c_str(), name,
         kRemedy);
}

[[noreturn]] void report_version(const Opened& of, const std::string& is, const char* expected) {
  fail(KT_UNSUPPORTED, "engine=cudnn: %s is version %s; expected %s; %s", of.file.c_str(), is.c_str(), expected, kRemedy);
}

std::string dotted(size_t major, size_t minor, size_t patch) {
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
}

// A library for a later CUDA than the driver's does not start.
std::vector<std::string> cublas_names() {
  int driver = 0;
  if (cudaDriverGetVersion(&driver) == cudaSuccess && driver < 13000) return {"libcublas.so.12"};
  return {"libcublas.so.13", "libcublas.so.12"};
}

void open_cublas(Libraries& all) {
  const Opened opened = open("cuBLAS", cublas_names());
  cublas::Functions& f = all.cublas;
#define KANTOR_FIND(name) find(opened, #name, &f.name)
  KANTOR_FIND(cublasGetProperty);
  int version[3] = {};
  for (int part : {cublas::kMajorVersion, cublas::kMinorVersion, cublas::kPatchLevel})
    f.cublasGetProperty(part, &version[part]);
  all.cublas_version = dotted(static_cast<size_t>(version[0]), static_cast<size_t>(version[1]), static_cast<size_t>(version[2]));
  if (version[0] != 12 && version[0] != 13) report_version(opened, all.cublas_version, "12 or 13");
  KANTOR_FIND(cublasGetStatusName);
  KANTOR_FIND(cublasCreate_v2);
  KANTOR_FIND(cublasDestroy_v2);
  KANTOR_FIND(cublasSetStream_v2);
  KANTOR_FIND(cublasSetWorkspace_v2);
  KANTOR_FIND(cublasGemmEx);
}

void open_cudnn(Libraries& all) {
  const Opened opened = open("cuDNN", {"libcudnn.so.9"});
  cudnn::Functions& f = all.cudnn;
  KANTOR_FIND(cudnnGetVersion);
  const size_t version = f.cudnnGetVersion();
  const size_t unit = version < 10000 ? 1000 : 10000;  // of the major version; until 8 a thousand
  all.cudnn_version = dotted(version / unit, version % unit / 100, version % 100);
  if (version / unit != 9) report_version(opened, all.cudnn_version, "9");
  KANTOR_FIND(cudnnGetErrorString);
  KANTOR_FIND(cudnnCreate);
  KANTOR_FIND(cudnnDestroy);
  KANTOR_FIND(cudnnSetStream);
  KANTOR_FIND(cudnnCreateTensorDescriptor);
  KANTOR_FIND(cudnnDestroyTensorDescriptor);
  KANTOR_FIND(cudnnSetTensor4dDescriptor);
  KANTOR_FIND(cudnnCreateFilterDescriptor);
  KANTOR_FIND(cudnnDestroyFilterDescriptor);
  KANTOR_FIND(cudnnSetFilter4dDescriptor);
  KANTOR_FIND(cudnnCreateConvolutionDescriptor);
  KANTOR_FIND(cudnnDestroyConvolutionDescriptor);
  KANTOR_FIND(cudnnSetConvolution2dDescriptor);
  KANTOR_FIND(cudnnSetConvolutionMathType);
  KANTOR_FIND(cudnnGetConvolutionForwardAlgorithm_v7);
  KANTOR_FIND(cudnnGetConvolutionBackwardDataAlgorithm_v7);
  KANTOR_FIND(cudnnGetConvolutionBackwardFilterAlgorithm_v7);
  KANTOR_FIND(cudnnGetConvolutionForwardWorkspaceSize);
  KANTOR_FIND(cudnnGetConvolutionBackwardDataWorkspaceSize);
  KANTOR_FIND(cudnnGetConvolutionBackwardFilterWorkspaceSize);
  KANTOR_FIND(cudnnConvolutionForward);
  KANTOR_FIND(cudnnConvolutionBackwardData);
  KANTOR_FIND(cudnnConvolutionBackwardFilter);
#undef KANTOR_FIND
}

}  // namespace

Libraries open_libraries() {
  Libraries all;
  open_cublas(all);
  open_cudnn(all);
  return all;
}

}  // namespace kantor::cuda
