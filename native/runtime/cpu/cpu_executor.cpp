#include <atomic>
#include <chrono>

#include "runtime/cpu/team.h"
#include "runtime/executor.h"
#include "runtime/memory.h"
#include "runtime/schedule.h"

namespace kantor {

namespace {

using Clock = std::chrono::steady_clock;

// Replays a schedule with a team. All iterations of a run are one job of the team.
class CpuExecutor : public Executor, private StageJob {
 public:
  CpuExecutor(const Program& program, Isa isa, Team& team) : program_(program), team_(team) {
    plans_.resize(program.instructions.size());
    std::vector<Footprint> footprints;
    for (size_t i = 0; i < plans_.size(); ++i) {
      const Instruction& instruction = program.instructions[i];
      if (instruction.node.precision != Precision::fp32)
        fail(KT_UNSUPPORTED, "%s in %s: a CPU computes in fp32 only; choose fp32, or a GPU", instruction.name.c_str(),
             name_of(instruction.node.precision));
      instruction.entry->prepare[static_cast<size_t>(isa)](instruction.node, plans_[i]);
      footprints.push_back(footprint_of(instruction.node, plans_[i], instruction.guarded, program.fault));
    }
    Schedule schedule = make_schedule(footprints);
    scratch_ = Block(schedule.scratch_bytes, "the program's scratch memory");
    for (const auto& items : schedule.stages) add_stage(schedule, items);
    if (stages_.size() > Team::kMaxStages) fail(KT_UNSUPPORTED, "the program has %zu stages", stages_.size());
    profiles_.resize(static_cast<size_t>(team.threads()));
    for (auto& profile : profiles_) profile.resize(plans_.size());
  }

  RunResult run(int64_t iterations, std::atomic<bool>& cancel) override {
    iterations_ = iterations;
    cancel_ = &cancel;
    result_ = {KT_OK, 0};
    if (program_.fault && program_.fault[kFaultCode] != 0) return {KT_FAULT, 0};
    if (iterations > 0) team_.run(*this);
    return result_;
  }

  void enable_profile(bool enable) override { profiling_ = enable; }
  std::vector<Profile> profile() const override {
    std::vector<Profile> sum(plans_.size());
    for (const auto& profile : profiles_)
      for (size_t i = 0; i < sum.size(); ++i) {
        sum[i].ns += profile[i].ns;
        sum[i].calls += profile[i].calls;
      }
    return sum;
  }
  size_t scratch_bytes() const override { return scratch_.bytes(); }
  size_t stages() const override { return stages_.size(); }

 private:
  // A phase of an instruction: tasks begin .. end - 1 of its stage.
  struct Item {
    const Phase* phase;
    std::byte* scratch;
    int begin, end, instruction;
    bool guarded, first_phase;
  };
  struct Stage {
    std::vector<Item> items;
    int tasks = 0;
  };

  void add_stage(const Schedule& schedule, const std::vector<StageItem>& items) {
    Stage& stage = stages_.emplace_back();
    int64_t tasks = 0;
    for (const StageItem& item : items) {
      size_t i = static_cast<size_t>(item.instruction);
      const Phase& phase = plans_[i].phases[static_cast<size_t>(item.phase)];
      int64_t begin = tasks;
      tasks += phase.tasks;
      if (tasks > Team::kMaxTasks)
        fail(KT_UNSUPPORTED, "instruction %zu: more than %d tasks in one stage; use smaller tensors", i,
             Team::kMaxTasks);
      bool guarded = program_.instructions[i].guarded && program_.fault;
      bool first_phase = item.phase == 0 || plans_[i].phases[0].tasks == 0;
      stage.items.push_back({&phase, scratch_.data() + schedule.scratch_offset[i], static_cast<int>(begin),
                             static_cast<int>(tasks), item.instruction, guarded, first_phase});
    }
    stage.tasks = static_cast<int>(tasks);
  }

  int tasks(int stage) const override { return stages_[static_cast<size_t>(stage)].tasks; }

  void run(int stage, int first, int last, int thread) override {
    for (const Item& item : stages_[static_cast<size_t>(stage)].items) {
      if (item.end <= first) continue;
      if (item.begin >= last) break;
      // Whoever writes the flag does so in another stage: all tasks of the instruction see the same.
      if (item.guarded && program_.fault[kFaultCode] != 0) continue;
      int from = std::max(first, item.begin) - item.begin, to = std::min(last, item.end) - item.begin;
      if (profiling_)
        run_timed(item, from, to, thread);
      else
        for (int task = from; task < to; ++task) item.phase->body(task, item.scratch);
    }
  }

  void run_timed(const Item& item, int from, int to, int thread) {
    auto start = Clock::now();
    for (int task = from; task < to; ++task) item.phase->body(task, item.scratch);
    Profile& profile = profiles_[static_cast<size_t>(thread)][static_cast<size_t>(item.instruction)];
    profile.ns += static_cast<uint64_t>(std::chrono::nanoseconds(Clock::now() - start).count());
    if (item.first_phase && from == 0) ++profile.calls;
  }

  int next(int stage) override {
    if (static_cast<size_t>(stage + 1) < stages_.size()) return stage + 1;
    // The end of an iteration; a program without stages has nothing but ends.
    do {
      Verdict verdict = after_iteration(program_, *cancel_);
      if (verdict == Verdict::faulted) {
        result_.status = KT_FAULT;
        return kEnd;
      }
      ++result_.completed;
      if (verdict == Verdict::cancelled) {
        result_.status = KT_CANCELLED;
        return kEnd;
      }
    } while (stages_.empty() && result_.completed < iterations_);
    return result_.completed < iterations_ ? 0 : kEnd;
  }

  const Program& program_;
  Team& team_;
  std::vector<Plan> plans_;
  std::vector<Stage> stages_;
  Block scratch_;
  std::vector<std::vector<Profile>> profiles_;  // per thread, per instruction
  bool profiling_ = false;
  int64_t iterations_ = 0;
  std::atomic<bool>* cancel_ = nullptr;
  RunResult result_ = {KT_OK, 0};
};

}  // namespace

std::unique_ptr<Executor> make_cpu_executor(const Program& program, Isa isa, Team& team) {
  return std::make_unique<CpuExecutor>(program, isa, team);
}

}  // namespace kantor
