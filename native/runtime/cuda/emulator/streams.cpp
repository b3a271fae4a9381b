// Streams, events and graphs: queues of work that the host's waiting drains.
#include <algorithm>
#include <chrono>
#include <cstring>
#include <deque>
#include <functional>
#include <memory>

#include "runtime/cuda/emulator/devices.h"
#include "runtime/cuda/emulator/host_work.h"
#include "runtime/cuda/emulator/machine.h"

namespace kantor::emulator {

struct Event {
  Stream* stream = nullptr;  // of the last record
  uint64_t recorded = 0, reached = 0;
  std::chrono::steady_clock::time_point time = {};  // of reaching the last
};

struct Graph {
  std::vector<std::function<void()>> work;
};

struct Stream : HostWork {
  struct Item {
    std::function<void()> work;
    Event* wait_for = nullptr;
    uint64_t record = 0;  // of wait_for
  };
  int device = 0;
  std::deque<Item> queue;
  std::unique_ptr<Graph> capture;
  bool draining = false;
};

namespace {

std::vector<Stream*> streams;
std::vector<Operand> restriction;

Stream& checked(Stream* stream, const char* function) {
  if (std::find(streams.begin(), streams.end(), stream) == streams.end())
    fail("%s: %p is no stream%s", function, static_cast<void*>(stream),
         stream ? "" : "; there is no default stream, make one");
  if (stream->device != current_device())
    fail("%s: the stream is device %d's, but the thread uses device %d", function, stream->device, current_device());
  return *stream;
}

void drain(Stream& stream);

void reach(Event& event, uint64_t record) {
  if (event.reached < record) drain(*event.stream);
}

void drain(Stream& stream) {
  if (stream.draining) fail("streams wait for each other in a circle");
  stream.draining = true;
  try {
    while (!stream.queue.empty()) {
      Stream::Item item = std::move(stream.queue.front());
      stream.queue.pop_front();
      if (is_lost(stream.device)) continue;  // nothing happens on it any more
      if (item.wait_for) reach(*item.wait_for, item.record);
      if (item.work) item.work();
    }
  } catch (...) {
    stream.queue.clear();  // as on the device, nothing after an error runs
    stream.draining = false;
    throw;
  }
  stream.draining = false;
}

const std::vector<Operand>* touchable = nullptr;  // by the host work that runs

void touch(const void* memory, uint64_t bytes, bool writes, const char* what) {
  if (!touchable) fail("%s: no work of a stream runs", what);
  expect_allocated(memory, bytes, what);
  const auto* begin = static_cast<const std::byte*>(memory);
  const bool allowed = touchable->empty() || std::any_of(touchable->begin(), touchable->end(), [&](const Operand& o) {
    return begin >= o.data && begin + bytes <= o.data + o.bytes && (o.writable || !writes);
  });
  if (!allowed)
    fail("%s: %llu bytes at %p are not the launch's to %s", what, static_cast<unsigned long long>(bytes), memory,
         writes ? "write" : "read");
  if (!writes) return;
  std::memset(const_cast<void*>(memory), 0xff, bytes);
  mark(memory, bytes, true, true);
}

void drain_all() {
  for (Stream* stream : streams) drain(*stream);
}

// What every call that concerns the stream's device says.
cudaError_t state(const Stream& stream) { return is_lost(stream.device) ? cudaErrorLaunchFailure : cudaSuccess; }

void expect_no_capture(const Stream& stream, const char* function) {
  if (stream.capture) fail("%s: the stream is being captured into a graph, which cannot hold this", function);
}

void push(Stream& stream, std::function<void()> work) {
  if (stream.capture)
    stream.capture->work.push_back(std::move(work));
  else
    stream.queue.push_back({std::move(work)});
}

void copy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
  if (kind != cudaMemcpyDeviceToHost) expect_allocated(to, bytes, "copying to the device");
  if (kind != cudaMemcpyHostToDevice) expect_allocated(from, bytes, "copying from the device");
  if (kind == cudaMemcpyDeviceToHost && is_device_memory(to)) fail("copying to the host: %p is device memory", to);
  if (kind == cudaMemcpyHostToDevice && is_device_memory(from)) fail("copying from the host: %p is device memory", from);
  std::memmove(to, from, bytes);
  if (kind != cudaMemcpyDeviceToHost) mark(to, bytes, true, true);
}

}  // namespace

void restrict_launches(std::vector<Operand> operands) { restriction = std::move(operands); }

namespace {

void put_host_work(HostWork* handle, std::function<void()> work) {
  Stream& into = checked(static_cast<Stream*>(handle), "a library");
  push(into, [work = std::move(work), operands = restriction, device = into.device] {
    count_launch(device);
    if (is_lost(device)) return;
    touchable = &operands;
    try {
      work();
    } catch (...) {
      touchable = nullptr;
      throw;
    }
    touchable = nullptr;
  });
}

}  // namespace

void enqueue(cudaStream_t stream, Launch launch) {
  Stream& into = checked(stream, "launch");
  push(into, [launch = std::move(launch), operands = restriction, device = into.device] {
    count_launch(device);
    if (!is_lost(device)) run(launch, operands);
  });
}

}  // namespace kantor::emulator

using namespace kantor::emulator;

const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaSuccess: return "no error";
    case cudaErrorInvalidValue: return "invalid argument";
    case cudaErrorMemoryAllocation: return "out of memory";
    case cudaErrorInvalidDevice: return "invalid device ordinal";
    case cudaErrorLaunchFailure: return "unspecified launch failure";
    default: return "unrecognized error code";
  }
}

cudaError_t cudaGetLastError() { return cudaSuccess; }

cudaError_t cudaMalloc(void** memory, size_t bytes) {
  if (!memory || bytes == 0) return cudaErrorInvalidValue;
  std::byte* block = allocate(bytes);
  if (!block) return cudaErrorMemoryAllocation;
  make_valid(block);
  *memory = block;
  return cudaSuccess;
}

cudaError_t cudaFree(void* memory) {
  if (!memory) return cudaSuccess;
  drain_all();
  make_invalid(static_cast<std::byte*>(memory));
  release(static_cast<std::byte*>(memory));
  return cudaSuccess;
}

cudaError_t cudaMallocAsync(void** memory, size_t bytes, cudaStream_t handle) {
  Stream& stream = checked(handle, "cudaMallocAsync");
  expect_no_capture(stream, "cudaMallocAsync");
  if (state(stream)) return state(stream);
  if (!memory || bytes == 0) return cudaErrorInvalidValue;
  std::byte* block = allocate(bytes);
  if (!block) return cudaErrorMemoryAllocation;
  push(stream, [block] { make_valid(block); });
  *memory = block;
  return cudaSuccess;
}

cudaError_t cudaFreeAsync(void* memory, cudaStream_t handle) {
  Stream& stream = checked(handle, "cudaFreeAsync");
  expect_no_capture(stream, "cudaFreeAsync");
  if (state(stream)) {
    release(static_cast<std::byte*>(memory));
    return state(stream);
  }
  push(stream, [block = static_cast<std::byte*>(memory)] {
    make_invalid(block);
    release(block);
  });
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  push(checked(stream, "cudaMemcpyAsync"), [=] { copy(to, from, bytes, kind); });
  return state(*stream);
}

cudaError_t cudaMemsetAsync(void* memory, int value, size_t bytes, cudaStream_t stream) {
  push(checked(stream, "cudaMemsetAsync"), [=] {
    expect_allocated(memory, bytes, "cudaMemsetAsync");
    std::memset(memory, value, bytes);
    mark(memory, bytes, true, true);
  });
  return state(*stream);
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  *stream = new Stream;
  (*stream)->put = put_host_work;
  (*stream)->touch = touch;
  (*stream)->device = current_device();
  streams.push_back(*stream);
  return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  drain(checked(stream, "cudaStreamDestroy"));
  std::erase(streams, stream);
  delete stream;
  return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t handle) {
  Stream& stream = checked(handle, "cudaStreamSynchronize");
  expect_no_capture(stream, "cudaStreamSynchronize");
  drain(stream);
  return state(stream);
}

cudaError_t cudaStreamWaitEvent(cudaStream_t handle, cudaEvent_t event, unsigned) {
  Stream& stream = checked(handle, "cudaStreamWaitEvent");
  expect_no_capture(stream, "cudaStreamWaitEvent");
  if (event->stream) stream.queue.push_back({{}, event, event->recorded});
  return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  *event = new Event;
  return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  drain_all();
  delete event;
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t handle) {
  Stream& stream = checked(handle, "cudaEventRecord");
  expect_no_capture(stream, "cudaEventRecord");
  event->stream = handle;
  push(stream, [event, record = ++event->recorded] {
    event->reached = record;
    event->time = std::chrono::steady_clock::now();
  });
  return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  if (!event->stream) return cudaSuccess;
  reach(*event, event->recorded);
  return state(*event->stream);
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t from, cudaEvent_t to) {
  if (from->reached == 0 || from->reached < from->recorded || to->reached == 0 || to->reached < to->recorded)
    fail("cudaEventElapsedTime: an event is not yet reached");
  *milliseconds = std::chrono::duration<float, std::milli>(to->time - from->time).count();
  return cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t handle, cudaStreamCaptureMode) {
  Stream& stream = checked(handle, "cudaStreamBeginCapture");
  expect_no_capture(stream, "cudaStreamBeginCapture");
  stream.capture = std::make_unique<Graph>();
  return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t handle, cudaGraph_t* graph) {
  Stream& stream = checked(handle, "cudaStreamEndCapture");
  if (!stream.capture) return cudaErrorInvalidValue;
  *graph = stream.capture.release();
  return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long) {
  *executable = new Graph(*graph);
  return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t handle) {
  Stream& stream = checked(handle, "cudaGraphLaunch");
  expect_no_capture(stream, "cudaGraphLaunch");
  push(stream, [executable] {
    for (const auto& work : executable->work) work();
  });
  return state(stream);
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  drain_all();
  delete executable;
  return cudaSuccess;
}
