#include <dlfcn.h>
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "kantor/kantor.h"
#include "runtime/backend_library.h"
#include "runtime/cuda_loader.h"

using namespace kantor;

namespace {

// What opening the device says; "" where that succeeds.
std::string refusal(const char* name) {
  kt_device* device = nullptr;
  kt_status status = kt_device_open(name, 1, &device);
  if (status != KT_OK) return kt_error_message();
  kt_device_close(device);
  return "";
}

std::string described(const char* name) {
  kt_device* device = nullptr;
  REQUIRE_EQ(kt_device_open(name, 1, &device), KT_OK);
  char text[16 << 10];
  REQUIRE_EQ(kt_device_describe(device, text, sizeof text), KT_OK);
  kt_device_close(device);
  return text;
}

bool has(const std::string& text, const char* part) {
  INFO(text);
  bool found = text.find(part) != std::string::npos;
  CHECK_MESSAGE(found, part);
  return found;
}

std::string load_error(const std::string& file) {
  try {
    load_backend_library(file);
    return "";
  } catch (const Error& e) {
    CHECK_EQ(e.status(), KT_UNSUPPORTED);
    return e.what();
  }
}

#if defined(CUDA_LIBRARY)
// What the library says when asked for a device, in a process of its own: CUDA's runtime remembers what driver it found.
std::string open_in_child(const char* file) {
  int ends[2];
  REQUIRE_EQ(pipe(ends), 0);
  pid_t child = fork();
  REQUIRE_GE(child, 0);
  if (child == 0) {
    std::string said = "a device was opened";
    try {
      open_backend(load_backend_library(file), 0, EngineChoice::kantor);
    } catch (const Error& e) {
      said = e.what();
    }
    _exit(write(ends[1], said.data(), said.size()) == static_cast<ssize_t>(said.size()) ? 0 : 1);
  }
  close(ends[1]);
  char text[1024];
  ssize_t got = read(ends[0], text, sizeof text);
  close(ends[0]);
  int status = -1;
  waitpid(child, &status, 0);
  CHECK_EQ(status, 0);
  return std::string(text, got > 0 ? static_cast<size_t>(got) : 0);
}
#endif

// The driver of the tests, in place of this machine's: whoever opens libcuda.so.1 from here on gets it, since one of that
// name is loaded.
class Driver {
 public:
  Driver(const char* version, const char* gpus) {
    static void* loaded = dlopen(FAKE_DRIVER, RTLD_NOW | RTLD_LOCAL);
    REQUIRE(loaded);
    setenv("FAKE_CUDA_VERSION", version, 1);
    setenv("FAKE_CUDA_GPUS", gpus, 1);
  }
  ~Driver() { unsetenv("FAKE_CUDA_ERROR"); }
};

#if defined(CUDA_LIBRARY)
// libkantor_cuda.so beside this program, for as long as this lives.
class Sibling {
 public:
  Sibling() : file_(std::filesystem::read_symlink("/proc/self/exe").parent_path() / "libkantor_cuda.so") {
    std::filesystem::remove(file_);
    std::filesystem::create_symlink(CUDA_LIBRARY, file_);
  }
  ~Sibling() { std::filesystem::remove(file_); }

 private:
  std::filesystem::path file_;
};
#endif

}  // namespace

// This comes first: later a driver is loaded.
TEST_CASE("without a driver there is the CPU, and an error for who asks for a GPU") {
  if (void* driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL)) {
    dlclose(driver);
    return;  // this machine has one
  }
  has(refusal("cuda"), "no NVIDIA driver answers");
  has(refusal("cuda:1"), "--device cpu");
  std::string text = described("auto");
  has(text, "\"name\": \"cpu\"");
  CHECK_EQ(text.find("note"), std::string::npos);
#if defined(CUDA_LIBRARY)
  has(open_in_child(CUDA_LIBRARY), "no NVIDIA driver answers");  // the library itself does not crash either
#endif
}

TEST_CASE("a library that is missing or of another build is refused with a remedy") {
  has(load_error("/nowhere/libkantor_cuda.so"), "cannot be loaded");
  has(load_error(FAKE_DRIVER), "is no library of Kantor's");
  std::string other = load_error(OTHER_VERSION);
  has(other, "version 4096");
  has(other, "build both from the same sources");
}

TEST_CASE("a driver without a GPU is told from none") {
  Driver driver("13000", "0");
  has(refusal("cuda"), "(for CUDA 13.0) finds no GPU");
  CHECK_EQ(described("auto").find("note"), std::string::npos);
}

TEST_CASE("a driver that does not start is named") {
  Driver driver("12040", "2");
  setenv("FAKE_CUDA_ERROR", "999", 1);
  has(refusal("cuda"), "(for CUDA 12.4) does not start: CUDA_ERROR_OF_TESTS");
}

TEST_CASE("a wrong number lists the GPUs") {
  Driver driver("13000", "2");
  has(refusal("cuda:2"), "there is no cuda:2; there are cuda:0 (Imaginary 0), cuda:1 (Imaginary 1)");
  has(refusal("cuda:x"), "no such device: 'cuda:x'");
}

TEST_CASE("a GPU without the library says how to build it, and auto says why it takes the CPU") {
  Driver driver("13000", "1");
  std::string error = refusal("cuda");
  has(error, "this machine has cuda:0 (Imaginary 0), but Kantor was built without CUDA");
  has(error, "KANTOR_CUDA=ON");
  std::string text = described("auto");
  has(text, "\"name\": \"cpu\"");
  has(text, "\"note\": \"this machine has cuda:0 (Imaginary 0)");
}

#if defined(CUDA_LIBRARY)
TEST_CASE("a driver older than the library is named with both versions") {
  Driver driver("11040", "1");
  Sibling sibling;
  has(refusal("cuda"), "too old: it runs CUDA 11.4, and libkantor_cuda.so was built with CUDA 1");
}
#endif
