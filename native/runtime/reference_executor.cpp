#include <chrono>

#include "runtime/executor.h"

namespace kantor {

namespace {

// One instruction after another, on the calling thread, through the ops' reference functions.
class ReferenceExecutor : public Executor {
 public:
  explicit ReferenceExecutor(const Program& program) : program_(program), profile_(program.instructions.size()) {}

  RunResult run(int64_t iterations, std::atomic<bool>& cancel) override {
    if (program_.fault && program_.fault[kFaultCode] != 0) return {KT_FAULT, 0};
    for (int64_t i = 0; i < iterations; ++i) {
      run_once();
      Verdict verdict = after_iteration(program_, cancel);
      if (verdict == Verdict::faulted) return {KT_FAULT, i};
      if (verdict == Verdict::cancelled) return {KT_CANCELLED, i + 1};
    }
    return {KT_OK, iterations};
  }

  void enable_profile(bool enable) override { profiling_ = enable; }
  std::vector<Profile> profile() const override { return profile_; }
  size_t scratch_bytes() const override { return 0; }
  size_t stages() const override { return program_.instructions.size(); }

 private:
  void run_once() {
    for (size_t k = 0; k < program_.instructions.size(); ++k) {
      const Instruction& instruction = program_.instructions[k];
      if (instruction.guarded && program_.fault && program_.fault[kFaultCode] != 0) continue;
      if (!profiling_) {
        instruction.entry->reference(instruction.node);
        continue;
      }
      auto start = std::chrono::steady_clock::now();
      instruction.entry->reference(instruction.node);
      profile_[k].ns += static_cast<uint64_t>(
          std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - start).count());
      ++profile_[k].calls;
    }
  }

  const Program& program_;
  std::vector<Profile> profile_;
  bool profiling_ = false;
};

}  // namespace

std::unique_ptr<Executor> make_reference_executor(const Program& program) {
  return std::make_unique<ReferenceExecutor>(program);
}

}  // namespace kantor
