// A CUDA device: memory from a stream-ordered pool, programs as graphs. One object owns a pool and a stream, in which
// everything happens; several may be open in one process, on one GPU or on others.
#pragma once
#include <optional>

#include "runtime/backend.h"
#include "runtime/cuda/engine/libraries.h"

namespace kantor::cuda {

class CudaBackend : public Backend {
 public:
  // Throws KT_UNSUPPORTED where the GPU of that number cannot run Kantor's kernels, or the engine's libraries cannot be had,
  // with a text that says why.
  CudaBackend(int index, EngineChoice engine);
  ~CudaBackend() override;
  CudaBackend(const CudaBackend&) = delete;
  CudaBackend& operator=(const CudaBackend&) = delete;

  DeviceFacts facts() const override;
  std::unique_ptr<DeviceBlock> allocate(uint64_t bytes, bool zeroed, const char* what) override;
  std::unique_ptr<DeviceBlock> wrap(const void* host, uint64_t bytes) override;
  void write(std::byte* to, const void* host, uint64_t bytes) override;
  void read(void* host, const std::byte* from, uint64_t bytes) override;
  std::unique_ptr<Executor> make_executor(const Program& program) override;

  // Makes this the device of the calling thread's calls; each function that is called from outside begins with it. use()
  // throws.
  void use() const;
  cudaError_t select() const noexcept { return cudaSetDevice(index_); }
  cudaStream_t stream() const { return stream_; }
  cudaMemPool_t pool() const { return pool_; }
  int multiprocessors() const;
  // Those of the engine; null where Kantor's own kernels do everything.
  const Libraries* libraries() const { return libraries_ ? &*libraries_ : nullptr; }

 private:
  int index_;
  std::optional<Libraries> libraries_;
  cudaMemPool_t pool_ = nullptr;
  cudaStream_t stream_ = nullptr;
};

// Throws KT_UNSUPPORTED where the driver is missing or too old or has no such device; then see the constructor.
std::unique_ptr<Backend> open_device(int index, EngineChoice engine);

}  // namespace kantor::cuda
