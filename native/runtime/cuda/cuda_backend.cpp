#include "runtime/cuda/cuda_backend.h"

#include <utility>

#include "runtime/cuda/cuda_executor.h"

namespace kantor::cuda {

namespace {

struct PoolBlock : DeviceBlock {
  PoolBlock(uint64_t bytes, const char* what, cudaStream_t in) : stream(in) {
    if (bytes == 0) return;
    void* memory = nullptr;
    cudaError_t error = cudaMallocAsync(&memory, bytes, stream);
    if (error == cudaErrorMemoryAllocation) {
      cudaGetLastError();
      fail(KT_OUT_OF_MEMORY, "%s: the device has no %llu bytes (%.1f MiB) left; use a smaller batch or model", what,
           static_cast<unsigned long long>(bytes), static_cast<double>(bytes) / 1048576.0);
    }
    expect_success(error, what);
    data = static_cast<std::byte*>(memory);
  }
  ~PoolBlock() override {
    if (data) cudaFreeAsync(data, stream);
  }
  PoolBlock(const PoolBlock&) = delete;
  PoolBlock& operator=(const PoolBlock&) = delete;
  cudaStream_t stream;
};

}  // namespace

CudaBackend::CudaBackend(DeviceFacts facts) : facts_(std::move(facts)) {
  expect_success(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "opening the device");
}

CudaBackend::~CudaBackend() { cudaStreamDestroy(stream_); }

std::unique_ptr<DeviceBlock> CudaBackend::allocate(uint64_t bytes, bool zeroed, const char* what) {
  auto block = std::make_unique<PoolBlock>(bytes, what, stream_);
  if (zeroed && bytes) expect_success(cudaMemsetAsync(block->data, 0, bytes, stream_), what);
  return block;
}

std::unique_ptr<DeviceBlock> CudaBackend::wrap(const void* host, uint64_t bytes) {
  std::unique_ptr<DeviceBlock> block = allocate(bytes, false, "a copy of host memory");
  write(block->data, host, bytes);
  return block;
}

void CudaBackend::write(std::byte* to, const void* host, uint64_t bytes) {
  expect_success(cudaMemcpyAsync(to, host, bytes, cudaMemcpyHostToDevice, stream_), "copying to the device");
  expect_success(cudaStreamSynchronize(stream_), "copying to the device");
}

void CudaBackend::read(void* host, const std::byte* from, uint64_t bytes) {
  expect_success(cudaMemcpyAsync(host, from, bytes, cudaMemcpyDeviceToHost, stream_), "copying from the device");
  expect_success(cudaStreamSynchronize(stream_), "copying from the device");
}

std::unique_ptr<Executor> CudaBackend::make_executor(const Program& program) {
  return std::make_unique<CudaExecutor>(program, *this);
}

}  // namespace kantor::cuda
