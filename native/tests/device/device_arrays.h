// Arrays in the emulated device's memory, and a stream that closes itself.
#pragma once
#include <random>
#include <vector>

#include "runtime/cuda/device.h"

namespace kantor::test {

class Stream {
 public:
  Stream() { expect_success(cudaStreamCreateWithFlags(&handle, cudaStreamNonBlocking), "a stream"); }
  ~Stream() { cudaStreamDestroy(handle); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  void wait() const { expect_success(cudaStreamSynchronize(handle), "waiting"); }
  cudaStream_t handle = nullptr;
};

template <class T>
class Array {
 public:
  explicit Array(size_t count) : count_(count) {
    void* memory = nullptr;
    expect_success(cudaMalloc(&memory, count * sizeof(T)), "an array");
    data = static_cast<T*>(memory);
  }
  explicit Array(const std::vector<T>& elements) : Array(elements.size()) {
    Stream stream;
    cudaMemcpyAsync(data, elements.data(), elements.size() * sizeof(T), cudaMemcpyHostToDevice, stream.handle);
    stream.wait();
  }
  ~Array() {
    if (data) cudaFree(data);
  }
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;
  std::vector<T> read() const {
    Stream stream;
    std::vector<T> elements(count_);
    cudaMemcpyAsync(elements.data(), data, count_ * sizeof(T), cudaMemcpyDeviceToHost, stream.handle);
    stream.wait();
    return elements;
  }
  T* data = nullptr;

 private:
  size_t count_;
};

inline std::vector<float> random_floats(size_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::vector<float> all(count);
  for (float& x : all) x = uniform(generator);
  return all;
}

// 0, 1, 2, ...
inline std::vector<float> counting(size_t count) {
  std::vector<float> all(count);
  for (size_t i = 0; i < count; ++i) all[i] = static_cast<float>(i);
  return all;
}

}  // namespace kantor::test
