// The border between the core and a back-end in a library of its own, which has a copy of the C++ library to itself: plain
// functions are called across it, and none of them throws.
//
// Objects cross too: programs, strings, what the back-end makes (whose destructors and noexcept functions are called
// directly). So both sides must be compiled alike; build_mark() says how, and the core compares it before anything else.
#pragma once
#include <memory>
#include <string>

#include "runtime/backend.h"

namespace kantor {

constexpr uint32_t kBackendLibraryVersion = 2;

// What differs between builds that do not fit together: the compiler, and the layout of what crosses.
inline std::string build_mark() {
  std::string mark = std::string("g++ ") + __VERSION__ + ", program format " + std::to_string(kProgramVersion) +
                     ", C interface " + std::to_string(KT_ABI_VERSION) + ", layout";
  for (size_t bytes : {sizeof(Program), sizeof(Instruction), sizeof(Node), sizeof(Tensor), sizeof(DeviceFacts),
                       sizeof(RunResult), sizeof(Profile)})
    mark.append(" ").append(std::to_string(bytes));
  return mark;
}

// What the library's one function returns. A function that gives a status other than KT_OK has left its text in *error.
// Errors are those of the virtual functions that they call, see Backend and Executor.
struct BackendLibrary {
  uint32_t version;  // kBackendLibraryVersion; comes first in each of them
  const char* mark;  // build_mark()

  kt_status (*open)(int index, EngineChoice engine, std::unique_ptr<Backend>* backend, std::string* error);
  kt_status (*facts)(const Backend& backend, DeviceFacts* facts, std::string* error);
  kt_status (*allocate)(Backend& backend, uint64_t bytes, bool zeroed, const char* what, std::unique_ptr<DeviceBlock>* block,
                        std::string* error);
  kt_status (*wrap)(Backend& backend, const void* host, uint64_t bytes, std::unique_ptr<DeviceBlock>* block,
                    std::string* error);
  kt_status (*write)(Backend& backend, std::byte* to, const void* host, uint64_t bytes, std::string* error);
  kt_status (*read)(Backend& backend, void* host, const std::byte* from, uint64_t bytes, std::string* error);
  kt_status (*make_executor)(Backend& backend, const Program& program, std::unique_ptr<Executor>* executor,
                             std::string* error);
  kt_status (*run)(Executor& executor, int64_t iterations, std::atomic<bool>& cancel, RunResult* result, std::string* error);
  kt_status (*profile)(const Executor& executor, std::vector<Profile>* profile, std::string* error);
};

// Its name, and type: const BackendLibrary* (*)().
constexpr const char* kBackendLibraryFunction = "kantor_backend_library";

// Opens a device of a library, which must stay loaded.
std::unique_ptr<Backend> open_backend(const BackendLibrary& library, int index, EngineChoice engine);

}  // namespace kantor
