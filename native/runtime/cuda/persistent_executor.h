// Replays a program by one cooperative launch for many iterations (persistent_kernel.h): what CUDA graphs spend on a
// kernel's start, it spends on a meeting of the grid, and it meets only where one instruction depends on another.
//
// For programs all of whose kernels are made of bodies that the kernel knows: those of dense networks. Bits are those of the
// CUDA graphs. The host looks at the outcome, and at a request to cancel, between launches, each of which takes some 10 ms.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "runtime/cuda/cuda_executor.h"
#include "runtime/cuda/persistent_kernel.h"
#include "runtime/schedule.h"

namespace kantor::cuda {

class PersistentExecutor : public Executor {
 public:
  // Why a program cannot be replayed so; empty if it can.
  static std::string obstacle(const Program& program);

  // A program without obstacle.
  PersistentExecutor(const Program& program, CudaBackend& backend);

  RunResult run(int64_t iterations, std::atomic<bool>& cancel) override;
  // While it is enabled, graphs replay the program: only they can time an instruction.
  void enable_profile(bool enable) override { profiling_ = enable; }
  std::vector<Profile> profile() const override;
  size_t scratch_bytes() const override { return scratch_bytes_; }
  size_t stages() const override { return stages_; }  // meetings of the grid in an iteration

 private:
  using Calls = std::vector<BodyCall>;
  std::vector<Calls> take_calls();  // of each instruction, and what ends the iteration
  void lay_out(const std::vector<Calls>& calls);
  void adapt(double seconds);
  Outcome* outcome() const { return reinterpret_cast<Outcome*>(outcome_->data); }

  const Program& program_;
  CudaBackend& backend_;
  std::unique_ptr<DeviceBlock> scratch_, tickets_, constants_, outcome_, records_;
  Schedule schedule_;
  size_t scratch_bytes_ = 0, stages_ = 0;
  PersistentProgram kernel_ = {};
  unsigned blocks_ = 1;       // of the grid
  int64_t batch_size_ = 1;    // iterations of a launch
  bool profiling_ = false;
  std::unique_ptr<CudaExecutor> profiled_;
};

}  // namespace kantor::cuda
