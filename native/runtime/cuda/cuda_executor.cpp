#include "runtime/cuda/cuda_executor.h"

#include <algorithm>

namespace kantor::cuda {

namespace {

// Closes itself.
class OwnedStream {
 public:
  OwnedStream() { expect_success(cudaStreamCreateWithFlags(&handle, cudaStreamNonBlocking), "a stream"); }
  ~OwnedStream() { cudaStreamDestroy(handle); }
  OwnedStream(const OwnedStream&) = delete;
  OwnedStream& operator=(const OwnedStream&) = delete;
  cudaStream_t handle = nullptr;
};

class OwnedEvent {
 public:
  OwnedEvent() { expect_success(cudaEventCreateWithFlags(&handle, 0), "an event"); }
  ~OwnedEvent() { cudaEventDestroy(handle); }
  OwnedEvent(const OwnedEvent&) = delete;
  OwnedEvent& operator=(const OwnedEvent&) = delete;
  cudaEvent_t handle = nullptr;
};

#if !defined(__CUDACC__)
// Tells the emulated device what the instruction's kernels may touch.
class Restriction {
 public:
  Restriction(const Instruction& instruction, const int64_t* fault) {
    auto all = [&](const char* role, const std::vector<Tensor>& tensors, bool writable) {
      for (size_t i = 0; i < tensors.size(); ++i)
        add(tensors[i].data, static_cast<uint64_t>(tensors[i].bytes()), static_cast<uint64_t>(size_of(tensors[i].dtype)),
            std::string(role) + " " + std::to_string(i) + " " + tensors[i].describe() + " of " + instruction.name, writable);
    };
    all("output", instruction.node.out, true);
    all("input", instruction.node.in, false);
    add(reinterpret_cast<const std::byte*>(fault), sizeof *fault, sizeof *fault, "the fault's code", false);
  }
  ~Restriction() { emulator::restrict_launches({}); }
  Restriction(const Restriction&) = delete;
  Restriction& operator=(const Restriction&) = delete;
  void add(const std::byte* data, uint64_t bytes, uint64_t element_bytes, std::string name, bool writable) {
    if (data && bytes) operands_.push_back({data, bytes, element_bytes, std::move(name), writable});
  }
  void apply() const { emulator::restrict_launches(operands_); }

 private:
  std::vector<emulator::Operand> operands_;
};
#endif

}  // namespace

CudaExecutor::CudaExecutor(const Program& program, CudaBackend& backend)
    : program_(program), backend_(backend), profile_(program.instructions.size()) {
  measure();
  capture();
}

CudaExecutor::~CudaExecutor() {
  if (graph_) cudaGraphExecDestroy(graph_);
}

void CudaExecutor::measure() {
  std::vector<std::byte> constants;
  std::vector<size_t> constants_at;
  for (size_t i = 0; i < program_.instructions.size(); ++i) {
    const Instruction& instruction = program_.instructions[i];
    EnqueueFunction enqueue = find_enqueue(instruction.name);
    if (!enqueue)
      fail(KT_UNSUPPORTED, "instruction %zu: the op %s has no CUDA kernel; run this program on the cpu", i,
           instruction.name.c_str());
    Recorder recorder;
    enqueue(instruction.node, recorder);
    scratch_bytes_ = std::max(scratch_bytes_, recorder.scratch_bytes());
    ticket_bytes_ = std::max(ticket_bytes_, recorder.ticket_bytes());
    launches_ += recorder.launches();
    steps_.push_back({enqueue, {}});
    constants_at.push_back(constants.size());
    constants.insert(constants.end(), recorder.constant_values().begin(), recorder.constant_values().end());
  }
  constant_bytes_ = constants.size();
  scratch_ = backend_.allocate(scratch_bytes_, false, "scratch");
  tickets_ = backend_.allocate(ticket_bytes_, true, "tickets");
  constants_ = backend_.allocate(constant_bytes_, false, "constants");
  outcome_ = backend_.allocate(sizeof(Outcome), true, "the outcome");
  if (constant_bytes_) backend_.write(constants_->data, constants.data(), constant_bytes_);
  for (size_t i = 0; i < steps_.size(); ++i)
    steps_[i].memory = {scratch_->data, tickets_->data, constants_->data + constants_at[i]};
}

void CudaExecutor::enqueue(size_t i, cudaStream_t stream) const {
  const Instruction& instruction = program_.instructions[i];
  const Step& step = steps_[i];
#if !defined(__CUDACC__)
  Restriction restriction(instruction, program_.fault);
  restriction.add(scratch_->data, scratch_bytes_, 1, "scratch", true);
  restriction.add(tickets_->data, ticket_bytes_, sizeof(unsigned), "the tickets", true);
  restriction.add(constants_->data, constant_bytes_, 1, "the constants", false);
  restriction.add(outcome_->data, sizeof(Outcome), sizeof(int64_t), "the outcome", false);
  restriction.apply();
#endif
  const int64_t* guard = !program_.fault ? nullptr : instruction.guarded ? program_.fault : &outcome()->stopped;
  Recorder recorder(stream, guard, step.memory);
  step.enqueue(instruction.node, recorder);
}

void CudaExecutor::capture() {
  OwnedStream stream;
  expect_success(cudaStreamBeginCapture(stream.handle, cudaStreamCaptureModeThreadLocal), "capturing the program");
  cudaGraph_t graph = nullptr;
  try {
    for (size_t i = 0; i < steps_.size(); ++i) enqueue(i, stream.handle);
    count_iteration(program_.fault, outcome(), stream.handle);
  } catch (...) {
    cudaStreamEndCapture(stream.handle, &graph);
    if (graph) cudaGraphDestroy(graph);
    throw;
  }
  expect_success(cudaStreamEndCapture(stream.handle, &graph), "capturing the program");
  cudaError_t error = cudaGraphInstantiate(&graph_, graph, 0);
  cudaGraphDestroy(graph);
  expect_success(error, "building the program's graph");
}

RunResult CudaExecutor::run(int64_t iterations, std::atomic<bool>& cancel) {
  if (program_.fault) {
    int64_t code = 0;
    backend_.read(&code, reinterpret_cast<const std::byte*>(program_.fault + kFaultCode), sizeof code);
    if (code != 0) return {KT_FAULT, 0};
  }
  Outcome now = {0, 0};
  backend_.write(outcome_->data, &now, sizeof now);
  for (int64_t launched = 0; launched < iterations;) {
    // Asked to stop already: one iteration, as every run does.
    int64_t n = cancel.load(std::memory_order_relaxed) ? 1 : std::min(kAhead, iterations - launched);
    for (int64_t k = 0; k < n; ++k) {
      if (profiling_)
        run_timed();
      else
        expect_success(cudaGraphLaunch(graph_, backend_.stream()), "replaying the program");
    }
    launched += n;
    backend_.read(&now, outcome_->data, sizeof now);
    if (now.stopped) return {KT_FAULT, now.completed};
    if (cancel.load(std::memory_order_relaxed) && cancel.exchange(false)) return {KT_CANCELLED, launched};
  }
  return {KT_OK, iterations};
}

// One iteration, kernel by kernel, with the time of each instruction.
void CudaExecutor::run_timed() {
  cudaStream_t stream = backend_.stream();
  std::vector<OwnedEvent> events(steps_.size() + 1);
  expect_success(cudaEventRecord(events[0].handle, stream), "timing");
  for (size_t i = 0; i < steps_.size(); ++i) {
    enqueue(i, stream);
    expect_success(cudaEventRecord(events[i + 1].handle, stream), "timing");
  }
  count_iteration(program_.fault, outcome(), stream);
  expect_success(cudaStreamSynchronize(stream), "running the program");
  for (size_t i = 0; i < steps_.size(); ++i) {
    float milliseconds = 0;
    expect_success(cudaEventElapsedTime(&milliseconds, events[i].handle, events[i + 1].handle), "timing");
    profile_[i].ns += static_cast<uint64_t>(static_cast<double>(milliseconds) * 1e6);
    ++profile_[i].calls;
  }
}

}  // namespace kantor::cuda
