// The core's side of backend_library.h: statuses become errors again.
#include "runtime/backend_library.h"

#include <utility>

namespace kantor {

namespace {

template <class... Parameters, class... Arguments>
void call(kt_status (*function)(Parameters...), Arguments&&... arguments) {
  std::string error;
  kt_status status = function(std::forward<Arguments>(arguments)..., &error);
  if (status != KT_OK) throw Error(status, std::move(error));
}

class LibraryExecutor : public Executor {
 public:
  LibraryExecutor(const BackendLibrary& library, std::unique_ptr<Executor> executor)
      : library_(library), executor_(std::move(executor)) {
    details = executor_->details;
  }
  RunResult run(int64_t iterations, std::atomic<bool>& cancel) override {
    RunResult result;
    call(library_.run, *executor_, iterations, cancel, &result);
    return result;
  }
  void enable_profile(bool enable) override { executor_->enable_profile(enable); }
  std::vector<Profile> profile() const override {
    std::vector<Profile> profile;
    call(library_.profile, *executor_, &profile);
    return profile;
  }
  size_t scratch_bytes() const override { return executor_->scratch_bytes(); }
  size_t stages() const override { return executor_->stages(); }

 private:
  const BackendLibrary& library_;
  std::unique_ptr<Executor> executor_;
};

class LibraryBackend : public Backend {
 public:
  LibraryBackend(const BackendLibrary& library, int index, EngineChoice engine) : library_(library) {
    call(library.open, index, engine, &backend_);
  }
  DeviceFacts facts() const override {
    DeviceFacts facts;
    call(library_.facts, *backend_, &facts);
    return facts;
  }
  std::unique_ptr<DeviceBlock> allocate(uint64_t bytes, bool zeroed, const char* what) override {
    std::unique_ptr<DeviceBlock> block;
    call(library_.allocate, *backend_, bytes, zeroed, what, &block);
    return block;
  }
  std::unique_ptr<DeviceBlock> wrap(const void* host, uint64_t bytes) override {
    std::unique_ptr<DeviceBlock> block;
    call(library_.wrap, *backend_, host, bytes, &block);
    return block;
  }
  void write(std::byte* to, const void* host, uint64_t bytes) override {
    call(library_.write, *backend_, to, host, bytes);
  }
  void read(void* host, const std::byte* from, uint64_t bytes) override {
    call(library_.read, *backend_, host, from, bytes);
  }
  std::unique_ptr<Executor> make_executor(const Program& program) override {
    std::unique_ptr<Executor> executor;
    call(library_.make_executor, *backend_, program, &executor);
    return std::make_unique<LibraryExecutor>(library_, std::move(executor));
  }

 private:
  const BackendLibrary& library_;
  std::unique_ptr<Backend> backend_;
};

}  // namespace

std::unique_ptr<Backend> open_backend(const BackendLibrary& library, int index, EngineChoice engine) {
  return std::make_unique<LibraryBackend>(library, index, engine);
}

}  // namespace kantor
