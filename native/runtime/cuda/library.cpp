// The CUDA library's side of runtime/backend_library.h: errors become statuses, and nothing is thrown across the border.
#include "runtime/backend_library.h"

#include <new>

#include "runtime/cuda/cuda_backend.h"

namespace kantor::cuda {

namespace {

template <class Body>
kt_status contained(std::string* error, Body body) noexcept {
  kt_status status = KT_INTERNAL;
  try {
    try {
      body();
      return KT_OK;
    } catch (const Error& e) {
      status = e.status();
      *error = e.what();
    } catch (const std::bad_alloc&) {
      status = KT_OUT_OF_MEMORY;
      *error = "out of host memory while building the program's tables";
    } catch (const std::exception& e) {
      *error = e.what();
    }
  } catch (...) {
    error->clear();  // no memory for the text
  }
  return status;
}

const BackendLibrary& library() {
  static const std::string mark = build_mark();
  static const BackendLibrary table = {
      kBackendLibraryVersion,
      mark.c_str(),
      [](int index, EngineChoice engine, std::unique_ptr<Backend>* backend, std::string* error) {
        return contained(error, [&] { *backend = open_device(index, engine); });
      },
      [](const Backend& backend, DeviceFacts* facts, std::string* error) {
        return contained(error, [&] { *facts = backend.facts(); });
      },
      [](Backend& backend, uint64_t bytes, bool zeroed, const char* what, std::unique_ptr<DeviceBlock>* block,
         std::string* error) { return contained(error, [&] { *block = backend.allocate(bytes, zeroed, what); }); },
      [](Backend& backend, const void* host, uint64_t bytes, std::unique_ptr<DeviceBlock>* block, std::string* error) {
        return contained(error, [&] { *block = backend.wrap(host, bytes); });
      },
      [](Backend& backend, std::byte* to, const void* host, uint64_t bytes, std::string* error) {
        return contained(error, [&] { backend.write(to, host, bytes); });
      },
      [](Backend& backend, void* host, const std::byte* from, uint64_t bytes, std::string* error) {
        return contained(error, [&] { backend.read(host, from, bytes); });
      },
      [](Backend& backend, const Program& program, std::unique_ptr<Executor>* executor, std::string* error) {
        return contained(error, [&] { *executor = backend.make_executor(program); });
      },
      [](Executor& executor, int64_t iterations, std::atomic<bool>& cancel, RunResult* result, std::string* error) {
        return contained(error, [&] { *result = executor.run(iterations, cancel); });
      },
      [](const Executor& executor, std::vector<Profile>* profile, std::string* error) {
        return contained(error, [&] { *profile = executor.profile(); });
      },
  };
  return table;
}

}  // namespace

}  // namespace kantor::cuda

// The library's only symbol.
extern "C" KT_API const kantor::BackendLibrary* kantor_backend_library() { return &kantor::cuda::library(); }
