#include "runtime/cuda/cuda_executor.h"

#include <algorithm>
#include <chrono>

#include "runtime/cuda/group_kernel.h"
#include "runtime/cuda/node_order.h"

namespace kantor::cuda {

namespace {

// Launching a graph costs the device a few microseconds between two of them, whatever they hold.
constexpr int64_t kNodes = 1024, kMostUnrolled = 16;  // of a graph of several iterations
constexpr double kLeastSeconds = 0.005, kMostSeconds = 0.02;  // of a batch
constexpr int64_t kLargestBatch = 4096;

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

#if defined(KANTOR_EMULATED)
// Tells the emulated device what the kernels of a node may touch.
class Restriction {
 public:
  explicit Restriction(const int64_t* fault) {
    add(reinterpret_cast<const std::byte*>(fault), sizeof *fault, sizeof *fault, "the fault's code", false);
  }
  void add(const Instruction& instruction) {
    auto all = [&](const char* role, const std::vector<Tensor>& tensors, bool writable) {
      for (size_t i = 0; i < tensors.size(); ++i)
        add(tensors[i].data, static_cast<uint64_t>(tensors[i].bytes()), static_cast<uint64_t>(size_of(tensors[i].dtype)),
            std::string(role) + " " + std::to_string(i) + " " + tensors[i].describe() + " of " + instruction.name, writable);
    };
    all("output", instruction.node.out, true);
    all("input", instruction.node.in, false);
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
    : program_(program),
      backend_(backend),
      early_(program.executor != ExecutorChoice::serial && kernels_wait()),
      profile_(program.instructions.size()) {
  try {
    if (backend.libraries()) engine_ = std::make_unique<Engine>(*backend.libraries());
    measure();
    if (engine_) {
      const auto by_library = std::count_if(steps_.begin(), steps_.end(), [](const Step& step) { return step.by_library; });
      details += ", \"engine\": \"cudnn\", \"engineInstructions\": " + std::to_string(by_library);
      if (by_library > 0) warm_up();
    }
    unrolled_ = std::clamp<int64_t>(kNodes / (launches_ + 1), 1, kMostUnrolled);
    one_ = capture(1);
    for (Batch& batch : batches_) {
      void* memory = nullptr;
      expect_success(cudaMallocHost(&memory, sizeof(Outcome)), "memory of the host that the device can write");
      batch.outcome = static_cast<Outcome*>(memory);
      expect_success(cudaEventCreateWithFlags(&batch.copied, cudaEventDisableTiming), "an event");
    }
  } catch (...) {
    close();
    throw;
  }
}

CudaExecutor::~CudaExecutor() { close(); }

void CudaExecutor::close() noexcept {
  backend_.select();
  cudaStreamSynchronize(backend_.stream());
  for (Batch& batch : batches_) {
    if (batch.copied) cudaEventDestroy(batch.copied);
    if (batch.outcome) cudaFreeHost(batch.outcome);
  }
  for (cudaGraphExec_t graph : {one_, several_})
    if (graph) cudaGraphExecDestroy(graph);
}

void CudaExecutor::measure() {
  struct Needs {
    size_t scratch, tickets, constants_at;
    int launches;
  };
  std::vector<Needs> needs;
  std::vector<std::byte> constants;
  std::vector<Footprint> footprints;
  std::vector<size_t> shares;  // of a node with others
  int bodies = 1;
  for (size_t i = 0; i < program_.instructions.size(); ++i) {
    EngineStep by_library = library_step(i);
    EngineStep enqueue = by_library ? by_library : own_step(i);
    Recorder recorder;
    std::vector<BodyCall> calls;
    Recorder collector(calls, {});
    try {
      enqueue(recorder);
      if (!by_library) enqueue(collector);
    } catch (const Error& e) {
      throw e.in("instruction " + std::to_string(i) + ", " + program_.instructions[i].name);
    }
    needs.push_back({recorder.scratch_bytes(), recorder.ticket_bytes(), constants.size(), recorder.launches()});
    constants.insert(constants.end(), recorder.constant_values().begin(), recorder.constant_values().end());
    const Instruction& instruction = program_.instructions[i];
    footprints.push_back(footprint_of(instruction.node, {}, instruction.guarded, program_.fault));
    shares.push_back(calls.size() == 1 ? group_bytes(calls[0]) : 0);
    steps_.push_back({std::move(enqueue), {}, by_library != nullptr});
    bodies += recorder.launches();
  }
  nodes_ = make_nodes(footprints, shares, {kGroupBytes, kMostInGroup});
  for (const auto& node : nodes_) {
    size_t scratch = 0, tickets = 0;
    for (int i : node) scratch += needs[i].scratch, tickets += needs[i].tickets;
    scratch_bytes_ = std::max(scratch_bytes_, scratch);
    ticket_bytes_ = std::max(ticket_bytes_, tickets);
    launches_ += node.size() > 1 ? 1 : needs[node[0]].launches;
  }
  if (std::any_of(nodes_.begin(), nodes_.end(), [](const auto& node) { return node.size() > 1; })) load_group();
  constant_bytes_ = constants.size();
  scratch_ = backend_.allocate(scratch_bytes_, false, "scratch");
  tickets_ = backend_.allocate(ticket_bytes_, true, "tickets");
  constants_ = backend_.allocate(constant_bytes_, false, "constants");
  outcome_ = backend_.allocate(sizeof(Outcome), true, "the outcome");
  if (constant_bytes_) backend_.write(constants_->data, constants.data(), constant_bytes_);
  for (const auto& node : nodes_) {
    size_t scratch = 0, tickets = 0;
    for (int i : node) {
      steps_[i].memory = {scratch_->data + scratch, tickets_->data + tickets, constants_->data + needs[i].constants_at};
      scratch += needs[i].scratch, tickets += needs[i].tickets;
    }
  }
  details = "\"executor\": \"graph\", \"nodes\": " + std::to_string(stages()) + ", \"bodies\": " + std::to_string(bodies) +
            ", \"early\": " + (early_ ? "true" : "false");
}

const int64_t* CudaExecutor::guard(int i) const {
  return !program_.fault ? nullptr : program_.instructions[i].guarded ? program_.fault : &outcome()->stopped;
}

EngineStep CudaExecutor::own_step(size_t i) const {
  const Instruction& instruction = program_.instructions[i];
  EnqueueFunction enqueue = find_enqueue(instruction.name);
  if (!enqueue)
    fail(KT_UNSUPPORTED, "instruction %zu: the op %s has no CUDA kernel; run this program on the cpu", i,
         instruction.name.c_str());
  return [enqueue, &node = instruction.node](Recorder& recorder) { enqueue(node, recorder); };
}

EngineStep CudaExecutor::library_step(size_t i) const {
  const Instruction& instruction = program_.instructions[i];
  return engine_ ? engine_->plan(instruction.node, std::all_of(instruction.out.begin(), instruction.out.end(),
                                                               [](const Place& place) { return place.slot == kArena; }))
                 : nullptr;
}

// Has the libraries do once what they would do at their first call, which a capture does not take: load kernels, allocate.
// They write to scratch and the arena, where nothing is yet; our own kernels are held.
void CudaExecutor::warm_up() {
  const Outcome held = {0, 1}, begin = {0, 0};
  backend_.write(outcome_->data, &held, sizeof held);
  for (const auto& node : nodes_)
    if (is_by_library(node)) enqueue(node, backend_.stream(), false, &outcome()->stopped);
  expect_success(cudaStreamSynchronize(backend_.stream()), "trying the libraries");
  backend_.write(outcome_->data, &begin, sizeof begin);
}

void CudaExecutor::enqueue(const std::vector<int>& node, cudaStream_t stream, bool early, const int64_t* held) const {
  auto guard_of = [&](int i) { return held ? held : guard(i); };
#if defined(KANTOR_EMULATED)
  Restriction restriction(program_.fault);
  for (int i : node) restriction.add(program_.instructions[i]);
  restriction.add(scratch_->data, scratch_bytes_, 1, "scratch", true);
  restriction.add(tickets_->data, ticket_bytes_, sizeof(unsigned), "the tickets", true);
  restriction.add(constants_->data, constant_bytes_, 1, "the constants", false);
  restriction.add(outcome_->data, sizeof(Outcome), sizeof(int64_t), "the outcome", false);
  restriction.apply();
#endif
  if (node.size() == 1) {
    Recorder recorder(stream, guard_of(node[0]), steps_[node[0]].memory, early);
    return steps_[node[0]].enqueue(recorder);
  }
  std::vector<GroupCall> group;
  for (int i : node) {
    std::vector<BodyCall> calls;
    Recorder recorder(calls, steps_[i].memory);
    steps_[i].enqueue(recorder);
    group.push_back({std::move(calls[0]), guard_of(i)});
  }
  launch_group(group, stream, early);
}

void CudaExecutor::count(cudaStream_t stream, bool early) const {
  Recorder recorder(stream, nullptr, {}, early);
  count_iteration(program_.fault, outcome(), recorder);
}

cudaGraphExec_t CudaExecutor::capture(int64_t iterations) const {
  OwnedStream stream;
  expect_success(cudaStreamBeginCapture(stream.handle, cudaStreamCaptureModeThreadLocal), "capturing the program");
  cudaGraph_t graph = nullptr;
  try {
    for (int64_t k = 0; k < iterations; ++k) {
      // Each is early behind the node in front of it in this order, of whose kernels each waits, too; but not behind a
      // library's, which need not end with a kernel.
      bool behind_library = false;
      for (const auto& node : nodes_) {
        bool by_library = is_by_library(node);
        enqueue(node, stream.handle, early_ && !behind_library && !by_library);
        behind_library = by_library;
      }
      count(stream.handle, early_ && !behind_library);
    }
  } catch (...) {
    cudaStreamEndCapture(stream.handle, &graph);
    if (graph) cudaGraphDestroy(graph);
    throw;
  }
  expect_success(cudaStreamEndCapture(stream.handle, &graph), "capturing the program");
  cudaGraphExec_t executable = nullptr;
  cudaError_t error = cudaGraphInstantiate(&executable, graph, 0);
  cudaGraphDestroy(graph);
  expect_success(error, "building the program's graph");
  return executable;
}

RunResult CudaExecutor::run(int64_t iterations, std::atomic<bool>& cancel) {
  backend_.use();
  if (program_.fault) {
    int64_t code = 0;
    backend_.read(&code, reinterpret_cast<const std::byte*>(program_.fault + kFaultCode), sizeof code);
    if (code != 0) return {KT_FAULT, 0};
  }
  if (iterations == 0) return {KT_OK, 0};
  Outcome now = {0, 0};
  backend_.write(outcome_->data, &now, sizeof now);
  for (Batch& batch : batches_) batch.under_way = false;
  int64_t launched = 0;
  auto last = std::chrono::steady_clock::now();
  for (int turn = 0;; turn ^= 1) {
    // Asked to stop already: one iteration, as every run does.
    bool is_asked = cancel.load(std::memory_order_relaxed);
    int64_t most = !is_asked ? batch_size_ : launched == 0 ? 1 : 0;
    int64_t n = now.stopped ? 0 : std::min(most, iterations - launched);
    if (n > 0) send(n, batches_[turn]);
    launched += n;
    Batch& before = batches_[turn ^ 1];
    if (before.under_way) {
      expect_success(cudaEventSynchronize(before.copied), "running the program");
      before.under_way = false;
      now = *before.outcome;
      auto time = std::chrono::steady_clock::now();
      if (n > 0) adapt(std::chrono::duration<double>(time - last).count());
      last = time;
    }
    if (n == 0 && !batches_[turn].under_way) break;
  }
  if (now.stopped) return {KT_FAULT, now.completed};
  if (cancel.load(std::memory_order_relaxed) && cancel.exchange(false)) return {KT_CANCELLED, launched};
  return {KT_OK, launched};
}

void CudaExecutor::send(int64_t iterations, Batch& batch) {
  cudaStream_t stream = backend_.stream();
  int64_t left = iterations;
  if (profiling_) {
    for (; left > 0; --left) run_timed();
  } else if (left >= unrolled_ && unrolled_ > 1) {
    if (!several_) several_ = capture(unrolled_);
    for (; left >= unrolled_; left -= unrolled_) expect_success(cudaGraphLaunch(several_, stream), "replaying the program");
  }
  for (; left > 0; --left) expect_success(cudaGraphLaunch(one_, stream), "replaying the program");
  expect_success(cudaMemcpyAsync(batch.outcome, outcome_->data, sizeof(Outcome), cudaMemcpyDeviceToHost, stream),
                 "reading the outcome");
  expect_success(cudaEventRecord(batch.copied, stream), "reading the outcome");
  batch.under_way = true;
}

// After a batch that took so long while the next one waited behind it.
void CudaExecutor::adapt(double seconds) {
  if (seconds < kLeastSeconds) batch_size_ = std::min(2 * batch_size_, kLargestBatch);
  if (seconds > kMostSeconds) batch_size_ = std::max<int64_t>(batch_size_ / 2, 1);
}

// One iteration, kernel by kernel, with the time of each instruction.
void CudaExecutor::run_timed() {
  cudaStream_t stream = backend_.stream();
  std::vector<OwnedEvent> events(steps_.size() + 1);
  expect_success(cudaEventRecord(events[0].handle, stream), "timing");
  for (size_t i = 0; i < steps_.size(); ++i) {
    enqueue({static_cast<int>(i)}, stream, false);
    expect_success(cudaEventRecord(events[i + 1].handle, stream), "timing");
  }
  count(stream, false);
  expect_success(cudaStreamSynchronize(stream), "running the program");
  for (size_t i = 0; i < steps_.size(); ++i) {
    float milliseconds = 0;
    expect_success(cudaEventElapsedTime(&milliseconds, events[i].handle, events[i + 1].handle), "timing");
    profile_[i].ns += static_cast<uint64_t>(static_cast<double>(milliseconds) * 1e6);
    ++profile_[i].calls;
  }
}

}  // namespace kantor::cuda
