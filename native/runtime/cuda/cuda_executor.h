// Replays a program as CUDA graphs: one of an iteration, one of several.
//
// The host hands iterations over in batches and has two under way: while the second runs it looks at the outcome of the
// first, which was copied into its memory meanwhile, so that the device never waits for it. A batch is made to take about 10
// ms; a run that is cancelled ends after those under way. The iteration in which the fault gets set is the last that does
// anything: the kernels of those after it are held.
//
// Small instructions that do not depend on each other share a node (node_order.h, group_kernel.h); a profile has each by
// itself. Where the device can have them wait by themselves, a graph's kernels are launched early (device_code.h: starts).
#pragma once
#include <memory>
#include <vector>

#include "runtime/cuda/cuda_backend.h"
#include "runtime/cuda/engine/engine.h"
#include "runtime/cuda/recorder.h"
#include "runtime/executor.h"

namespace kantor::cuda {

// What the last kernel of an iteration keeps, for the host to read.
struct Outcome {
  int64_t completed;  // iterations without a fault since the run began
  int64_t stopped;    // 1 from the end of one with a fault: what holds the kernels that the fault itself does not
};
// Counts the iteration, or stops the run where the fault (null: there is none) is set.
void count_iteration(const int64_t* fault, Outcome* outcome, Recorder& recorder);
// Whether the thread's device can run what this library was compiled for.
bool has_kernels();
// Whether they can be launched early there.
bool kernels_wait();

class CudaExecutor : public Executor {
 public:
  CudaExecutor(const Program& program, CudaBackend& backend);
  ~CudaExecutor() override;
  CudaExecutor(const CudaExecutor&) = delete;
  CudaExecutor& operator=(const CudaExecutor&) = delete;

  RunResult run(int64_t iterations, std::atomic<bool>& cancel) override;
  void enable_profile(bool enable) override { profiling_ = enable; }
  std::vector<Profile> profile() const override { return profile_; }
  size_t scratch_bytes() const override { return scratch_bytes_; }
  // Nodes of an iteration's graph. A library's call counts as one, whatever it launches.
  size_t stages() const override { return static_cast<size_t>(launches_ + 1); }

 private:
  struct Step {
    EngineStep enqueue;
    Recorder::Memory memory;
    bool by_library;  // of the engine
  };

  // A batch of iterations on its way.
  struct Batch {
    Outcome* outcome = nullptr;  // where the device's is copied to; of page-locked memory
    cudaEvent_t copied = nullptr;
    bool under_way = false;
  };

  void measure();
  EngineStep own_step(size_t instruction) const;
  EngineStep library_step(size_t instruction) const;
  void warm_up();
  cudaGraphExec_t capture(int64_t iterations) const;
  // held: holds the kernels, in place of what else would.
  void enqueue(const std::vector<int>& node, cudaStream_t stream, bool early, const int64_t* held = nullptr) const;
  const int64_t* guard(int instruction) const;
  bool is_by_library(const std::vector<int>& node) const { return node.size() == 1 && steps_[node[0]].by_library; }
  void count(cudaStream_t stream, bool early) const;
  void send(int64_t iterations, Batch& batch);
  void adapt(double seconds);
  void run_timed();
  void close() noexcept;
  Outcome* outcome() const { return reinterpret_cast<Outcome*>(outcome_->data); }

  const Program& program_;
  CudaBackend& backend_;
  bool early_;                      // graphs' launches are
  std::unique_ptr<Engine> engine_;  // null: Kantor's own kernels do everything
  std::vector<Step> steps_;         // one an instruction
  std::unique_ptr<DeviceBlock> scratch_, tickets_, constants_, outcome_;
  size_t scratch_bytes_ = 0, ticket_bytes_ = 0, constant_bytes_ = 0;
  std::vector<std::vector<int>> nodes_;  // the instructions of each step of a graph, in its order
  int launches_ = 0;                     // that they are
  cudaGraphExec_t one_ = nullptr, several_ = nullptr;  // several_: made when first needed
  int64_t unrolled_ = 1;                               // iterations of several_
  Batch batches_[2];
  int64_t batch_size_ = 1;
  bool profiling_ = false;
  std::vector<Profile> profile_;
};

}  // namespace kantor::cuda
