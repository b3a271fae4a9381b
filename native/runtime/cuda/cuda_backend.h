// A CUDA device: memory from its stream-ordered pool, programs as graphs. One object owns one stream, in which everything
// happens.
#pragma once
#include "runtime/backend.h"
#include "runtime/cuda/device.h"

namespace kantor::cuda {

class CudaBackend : public Backend {
 public:
  explicit CudaBackend(DeviceFacts facts);
  ~CudaBackend() override;
  CudaBackend(const CudaBackend&) = delete;
  CudaBackend& operator=(const CudaBackend&) = delete;

  DeviceFacts facts() const override { return facts_; }
  std::unique_ptr<DeviceBlock> allocate(uint64_t bytes, bool zeroed, const char* what) override;
  std::unique_ptr<DeviceBlock> wrap(const void* host, uint64_t bytes) override;
  void write(std::byte* to, const void* host, uint64_t bytes) override;
  void read(void* host, const std::byte* from, uint64_t bytes) override;
  std::unique_ptr<Executor> make_executor(const Program& program) override;

  cudaStream_t stream() const { return stream_; }

 private:
  DeviceFacts facts_;
  cudaStream_t stream_ = nullptr;
};

}  // namespace kantor::cuda
