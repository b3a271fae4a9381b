// How an op puts its kernels on the device: enqueue_<op>(node, recorder) in ops/<op>/<op>_cuda.cu asks for the memory
// that it needs and launches. It is called twice: first to learn what memory that is and to load the kernels, then to
// capture the launches into a graph.
//
//   void enqueue_scale(const Node& node, Recorder& r) { r.launch<ScaleBody>(blocks, {...}); }
//
// A body (ops/<op>/<op>_body.h) is what a block of a kernel does, as a function of its arguments, its index and its shared
// memory, so that the persistent kernel can call it as well as a kernel of its own:
//
//   struct ScaleBody {
//     static constexpr int kThreads = kBlockThreads;     // of a block
//     struct Arguments { ... };                          // copied byte by byte, at most kBodyArgumentBytes
//     struct Shared { float tile[32]; };                 // NoShared where there is none
//     __device__ static void run(const Arguments&, unsigned block, Shared&);
//   };
//
// The threads of a block are those with the same threadIdx.x / kThreads: a body of one warp knows its lane by
// threadIdx.x % kWarp, meets others at no barrier of the block, and has no shared memory. A body does not look at
// blockIdx and gridDim. A body of other numbers of threads than these two names another, Wide, that has kBlockThreads
// and does the same, bit for bit.
//
// Ops whose kernels are not made of bodies launch kernels (const int64_t* guard, ...): the first thing that they do is to
// ask whether they start (device_code.h: starts).
#pragma once
#include <cstring>
#include <vector>

#include "runtime/cuda/device.h"
#include "runtime/op.h"

namespace kantor::cuda {

constexpr size_t kBodyArgumentBytes = 3584;

// Stands for a body where it is told apart by address.
template <class Body>
inline char body_key;

// One launch, for an executor that runs the bodies itself.
struct BodyCall {
  const void* body;  // &body_key<Body>; null for a kernel that is not made of one
  unsigned blocks;
  std::vector<std::byte> arguments;
};

class Recorder {
 public:
  // Memory of the device. Scratch and tickets serve one instruction after another.
  struct Memory {
    std::byte *scratch = nullptr, *tickets = nullptr, *constants = nullptr;
  };

  // Launches nothing; learns what memory is asked for, and loads the kernels onto the thread's device.
  Recorder() = default;
  // Launches. guard: null where nothing holds the kernels. early: LaunchShape's.
  Recorder(cudaStream_t stream, const int64_t* guard, const Memory& memory, bool early)
      : stream_(stream), guard_(guard), memory_(memory), early_(early) {}
  // Launches nothing; keeps what would be.
  Recorder(std::vector<BodyCall>& calls, const Memory& memory) : calls_(&calls), memory_(memory) {}

  // Undefined before the node's first kernel, and not kept after its last.
  template <class T>
  T* scratch(int64_t count) {
    return reinterpret_cast<T*>(memory_.scratch + take(scratch_bytes_, count * static_cast<int64_t>(sizeof(T))));
  }
  // Counters that are 0; the node's kernels leave them 0.
  unsigned* tickets(int64_t count) {
    size_t at = take(ticket_bytes_, count * static_cast<int64_t>(sizeof(unsigned)));
    return reinterpret_cast<unsigned*>(memory_.tickets + at);
  }
  // A table that is copied to the device when the program is built.
  template <class T>
  const T* constants(const std::vector<T>& values) {
    static_assert(std::is_trivially_copyable_v<T>);
    size_t bytes = values.size() * sizeof(T), at = take(constant_bytes_, static_cast<int64_t>(bytes));
    constant_values_.resize(constant_bytes_);
    std::memcpy(constant_values_.data() + at, values.data(), bytes);
    return reinterpret_cast<const T*>(memory_.constants + at);
  }

  // In device_code.h.
  template <class Body>
  void launch(int blocks, const typename Body::Arguments& arguments);

  template <class... Parameters, class... Arguments>
  void launch(void (*kernel)(const int64_t*, Parameters...), const LaunchShape& shape, const Arguments&... arguments) {
    if (calls_)
      calls_->push_back({});
    else
      put(kernel, shape, arguments...);
  }

  // Work of a library's, which function(stream) puts there. Nothing holds it: see engine/engine.h.
  template <class Function>
  void call(const Function& function) {
    ++launches_;
    if (stream_) function(stream_);
  }

  size_t scratch_bytes() const { return scratch_bytes_; }
  size_t ticket_bytes() const { return ticket_bytes_; }
  const std::vector<std::byte>& constant_values() const { return constant_values_; }
  int launches() const { return launches_; }

 private:
  template <class... Parameters, class... Arguments>
  void put(void (*kernel)(const int64_t*, Parameters...), LaunchShape shape, const Arguments&... arguments) {
    ++launches_;
    shape.early = early_;
    if (stream_)
      kantor::launch(kernel, shape, stream_, guard_, arguments...);
    else
      load(reinterpret_cast<const void*>(kernel), shape);
  }
  static size_t take(size_t& bytes, int64_t count) {
    size_t at = bytes;
    bytes += (static_cast<size_t>(count) + 255) / 256 * 256;
    return at;
  }

  cudaStream_t stream_ = nullptr;
  const int64_t* guard_ = nullptr;
  std::vector<BodyCall>* calls_ = nullptr;
  Memory memory_;
  size_t scratch_bytes_ = 0, ticket_bytes_ = 0, constant_bytes_ = 0;
  std::vector<std::byte> constant_values_;
  int launches_ = 0;
  bool early_ = false;
};

using EnqueueFunction = void (*)(const Node&, Recorder&);
// Null if the op has no CUDA kernels. The table is ops/cuda_ops.def.
EnqueueFunction find_enqueue(std::string_view op);

}  // namespace kantor::cuda
