#include "runtime/cuda/cuda_backend.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <mutex>

#include "runtime/cuda/persistent_executor.h"
#include "runtime/cuda_loader.h"

namespace kantor::cuda {

namespace {

constexpr int kLeastCapability = 80;  // cp.async, tf32 and bf16 in the tensor cores

std::string megabytes(uint64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f MiB", static_cast<double>(bytes) / (1 << 20));
  return text;
}

// Asked once: a driver asks the hardware for some of these, and tests open a device for each of thousands of programs.
cudaDeviceProp properties(int index) {
  static std::mutex turn;
  static std::map<int, cudaDeviceProp> known;
  std::lock_guard lock(turn);
  auto found = known.find(index);
  if (found == known.end()) {
    cudaDeviceProp p = {};
    expect_success(cudaGetDeviceProperties(&p, index), "asking for the device's properties");
    found = known.emplace(index, p).first;
  }
  return found->second;
}

int attribute(int index, cudaDeviceAttr which) {
  int value = 0;
  expect_success(cudaDeviceGetAttribute(&value, which, index), "asking for the device's properties");
  return value;
}

[[noreturn]] void report_shortage(uint64_t bytes, const char* what) {
  size_t free = 0, total = 0;
  cudaGetLastError();
  cudaMemGetInfo(&free, &total);
  fail(KT_OUT_OF_MEMORY, "%s: %s are needed, and of the device's %s only %s are free%s\nuse a batch or model of at most "
       "%.0f %% of this size, or stop what else uses the device (nvidia-smi lists it)", what, megabytes(bytes).c_str(),
       megabytes(total).c_str(), megabytes(free).c_str(), free >= bytes ? ", in pieces" : "",
       std::min(90.0, 90.0 * static_cast<double>(free) / static_cast<double>(bytes)));
}

struct PoolBlock : DeviceBlock {
  PoolBlock(uint64_t bytes, const char* what, const CudaBackend& in) : backend(in) {
    if (bytes == 0) return;
    void* memory = nullptr;
    cudaError_t error = cudaMallocFromPoolAsync(&memory, bytes, backend.pool(), backend.stream());
    if (error == cudaErrorMemoryAllocation) {  // what is being freed in the stream may be enough
      cudaGetLastError();
      expect_success(cudaStreamSynchronize(backend.stream()), what);
      error = cudaMallocFromPoolAsync(&memory, bytes, backend.pool(), backend.stream());
    }
    if (error == cudaErrorMemoryAllocation) report_shortage(bytes, what);
    expect_success(error, what);
    data = static_cast<std::byte*>(memory);
  }
  ~PoolBlock() override {
    if (!data) return;
    backend.select();
    cudaFreeAsync(data, backend.stream());
  }
  PoolBlock(const PoolBlock&) = delete;
  PoolBlock& operator=(const PoolBlock&) = delete;
  const CudaBackend& backend;
};

}  // namespace

CudaBackend::CudaBackend(int index, EngineChoice engine) : index_(index) {
  cudaDeviceProp p = properties(index);
  if (p.major * 10 + p.minor < kLeastCapability)
    fail(KT_UNSUPPORTED, "cuda:%d (%s) has compute capability %d.%d; Kantor's kernels need %d.%d or more; use --device cpu",
         index, p.name, p.major, p.minor, kLeastCapability / 10, kLeastCapability % 10);
  if (!attribute(index, cudaDevAttrMemoryPoolsSupported))
    fail(KT_UNSUPPORTED, "cuda:%d (%s) has no memory pools (its driver is a virtual GPU's or too old); use --device cpu",
         index, p.name);
  use();
  if (!has_kernels())
    fail(KT_UNSUPPORTED,
         "libkantor_cuda.so was not compiled for compute capability %d.%d, which cuda:%d (%s) has; build it for all: "
         "KANTOR_CUDA=ON KANTOR_CUDA_ARCHITECTURES=all ./kantor info", p.major, p.minor, index, p.name);
  if (engine == EngineChoice::cudnn) libraries_ = open_libraries();
  cudaMemPoolProps wanted = {};
  wanted.allocType = cudaMemAllocationTypePinned;
  wanted.location.type = cudaMemLocationTypeDevice;
  wanted.location.id = index;
  expect_success(cudaMemPoolCreate(&pool_, &wanted), "opening the device's memory");
  uint64_t keep = UINT64_MAX;  // what is freed stays in the pool until it is destroyed
  cudaError_t error = cudaMemPoolSetAttribute(pool_, cudaMemPoolAttrReleaseThreshold, &keep);
  if (error == cudaSuccess) error = cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking);
  if (error != cudaSuccess) cudaMemPoolDestroy(pool_);
  expect_success(error, "opening the device");
}

CudaBackend::~CudaBackend() {
  select();
  cudaStreamSynchronize(stream_);  // the pool's last blocks are free then
  cudaStreamDestroy(stream_);
  cudaMemPoolDestroy(pool_);
}

void CudaBackend::use() const { expect_success(select(), "choosing the device"); }

int CudaBackend::multiprocessors() const { return attribute(index_, cudaDevAttrMultiProcessorCount); }

DeviceFacts CudaBackend::facts() const {
  use();
  cudaDeviceProp p = properties(index_);
  int driver = 0, runtime = 0, count = 0;
  size_t free = 0, total = 0;
  expect_success(cudaDriverGetVersion(&driver), "asking for the driver's version");
  expect_success(cudaRuntimeGetVersion(&runtime), "asking for the runtime's version");
  expect_success(cudaGetDeviceCount(&count), "counting the devices");
  expect_success(cudaMemGetInfo(&free, &total), "asking for the free memory");
  std::string capability = std::to_string(p.major) + "." + std::to_string(p.minor);
  std::string details = "\"computeCapability\": \"" + capability + "\", \"multiprocessors\": " +
                        std::to_string(multiprocessors()) +
                        ", \"memoryBytes\": " + std::to_string(total) + ", \"freeBytes\": " + std::to_string(free) +
                        ", \"driver\": \"" + cuda_version_name(driver) + "\", \"runtime\": \"" + cuda_version_name(runtime) +
                        "\", \"engine\": \"" + (libraries_ ? "cudnn\", \"cudnn\": \"" + libraries_->cudnn_version +
                        "\", \"cublas\": \"" + libraries_->cublas_version : "kantor") + "\", \"devices\": [";
  for (int i = 0; i < count; ++i) details += (i ? ", \"" : "\"") + std::string(properties(i).name) + "\"";
  return {"cuda", "sm_" + std::to_string(p.major * 10 + p.minor), 1, p.name, details + "]"};
}

std::unique_ptr<DeviceBlock> CudaBackend::allocate(uint64_t bytes, bool zeroed, const char* what) {
  use();
  auto block = std::make_unique<PoolBlock>(bytes, what, *this);
  if (zeroed && bytes) expect_success(cudaMemsetAsync(block->data, 0, bytes, stream_), what);
  return block;
}

std::unique_ptr<DeviceBlock> CudaBackend::wrap(const void* host, uint64_t bytes) {
  std::unique_ptr<DeviceBlock> block = allocate(bytes, false, "a copy of host memory (the data set)");
  write(block->data, host, bytes);
  return block;
}

void CudaBackend::write(std::byte* to, const void* host, uint64_t bytes) {
  use();
  expect_success(cudaMemcpyAsync(to, host, bytes, cudaMemcpyHostToDevice, stream_), "copying to the device");
  expect_success(cudaStreamSynchronize(stream_), "copying to the device");
}

void CudaBackend::read(void* host, const std::byte* from, uint64_t bytes) {
  use();
  expect_success(cudaMemcpyAsync(host, from, bytes, cudaMemcpyDeviceToHost, stream_), "copying from the device");
  expect_success(cudaStreamSynchronize(stream_), "copying from the device");
}

std::unique_ptr<Executor> CudaBackend::make_executor(const Program& program) {
  use();
  if (program.executor != ExecutorChoice::persistent) return std::make_unique<CudaExecutor>(program, *this);
  std::string obstacle = PersistentExecutor::obstacle(program);
  if (obstacle.empty()) return std::make_unique<PersistentExecutor>(program, *this);
  auto executor = std::make_unique<CudaExecutor>(program, *this);
  executor->details += ", \"note\": \"" + obstacle + "\"";
  return executor;
}

std::unique_ptr<Backend> open_device(int index, EngineChoice engine) {
  int driver = 0, runtime = 0, count = 0;
  cudaDriverGetVersion(&driver);
  cudaRuntimeGetVersion(&runtime);
  cudaError_t error = cudaGetDeviceCount(&count);
  if (error == cudaErrorInsufficientDriver && driver == 0)
    fail(KT_UNSUPPORTED, "no NVIDIA driver answers; install the driver of your GPU, or use --device cpu");
  if (error == cudaErrorInsufficientDriver || error == cudaErrorCallRequiresNewerDriver)
    fail(KT_UNSUPPORTED, "the NVIDIA driver is too old: it runs CUDA %s, and libkantor_cuda.so was built with CUDA %s; "
         "update the driver, build Kantor with that CUDA toolkit, or use --device cpu", cuda_version_name(driver).c_str(),
         cuda_version_name(runtime).c_str());
  if (error == cudaErrorNoDevice)
    fail(KT_UNSUPPORTED, "the NVIDIA driver (for CUDA %s) finds no GPU; does nvidia-smi list one?",
         cuda_version_name(driver).c_str());
  expect_success(error, "counting the devices");
  if (index < 0 || index >= count)
    fail(KT_UNSUPPORTED, "there is no cuda:%d; there are %d devices, from cuda:0", index, count);
  return std::make_unique<CudaBackend>(index, engine);
}

}  // namespace kantor::cuda
