// Replays a program as one CUDA graph an iteration.
//
// The host keeps kAhead iterations under way and looks at the outcome between; a run that is cancelled meanwhile ends after
// those. The iteration in which the fault gets set is the last that does anything: the kernels of those after it are held.
#pragma once
#include <memory>
#include <vector>

#include "runtime/cuda/cuda_backend.h"
#include "runtime/cuda/recorder.h"
#include "runtime/executor.h"

namespace kantor::cuda {

// What the last kernel of an iteration keeps, for the host to read.
struct Outcome {
  int64_t completed;  // iterations without a fault since the run began
  int64_t stopped;    // 1 from the end of one with a fault: what holds the kernels that the fault itself does not
};
// Counts the iteration, or stops the run where the fault (null: there is none) is set.
void count_iteration(const int64_t* fault, Outcome* outcome, cudaStream_t stream);

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
  size_t stages() const override { return static_cast<size_t>(launches_); }  // kernels an iteration

 private:
  struct Step {
    EnqueueFunction enqueue;
    Recorder::Memory memory;
  };

  void measure();
  void capture();
  void enqueue(size_t instruction, cudaStream_t stream) const;
  void run_timed();
  Outcome* outcome() const { return reinterpret_cast<Outcome*>(outcome_->data); }

  static constexpr int64_t kAhead = 32;
  const Program& program_;
  CudaBackend& backend_;
  std::vector<Step> steps_;  // one an instruction
  std::unique_ptr<DeviceBlock> scratch_, tickets_, constants_, outcome_;
  size_t scratch_bytes_ = 0, ticket_bytes_ = 0, constant_bytes_ = 0;
  int launches_ = 0;
  cudaGraphExec_t graph_ = nullptr;
  bool profiling_ = false;
  std::vector<Profile> profile_;
};

}  // namespace kantor::cuda
