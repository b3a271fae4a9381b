// What replays a bound program. One for each kind of device.
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/program.h"

namespace kantor {

struct RunResult {
  kt_status status;   // KT_OK, KT_FAULT or KT_CANCELLED
  int64_t completed;  // whole iterations
};

// Time of an instruction while profiling is on.
struct Profile {
  uint64_t ns = 0;     // of its tasks, summed over threads
  uint64_t calls = 0;  // how often it ran
};

class Executor {
 public:
  virtual ~Executor() = default;
  // Replays up to iterations times. The fault flag is looked at after each iteration, and so is cancel, which the run
  // that it stops sets back. A fault that was set before means no iteration at all.
  virtual RunResult run(int64_t iterations, std::atomic<bool>& cancel) = 0;
  virtual void enable_profile(bool enable) = 0;
  virtual std::vector<Profile> profile() const = 0;  // per instruction
  virtual size_t scratch_bytes() const = 0;
  virtual size_t stages() const = 0;
  std::string details;  // members for kt_program_describe's JSON object, of executors that have any: "a": 1, "b": 2
};

class Team;

// The program must outlive its executor.
std::unique_ptr<Executor> make_reference_executor(const Program& program);
std::unique_ptr<Executor> make_cpu_executor(const Program& program, Isa isa, Team& team);

// What comes after an iteration; both executors follow it.
enum class Verdict { go_on, faulted, cancelled };
inline Verdict after_iteration(const Program& program, std::atomic<bool>& cancel) {
  if (program.fault && program.fault[kFaultCode] != 0) return Verdict::faulted;
  return cancel.load(std::memory_order_relaxed) && cancel.exchange(false) ? Verdict::cancelled : Verdict::go_on;
}

}  // namespace kantor
