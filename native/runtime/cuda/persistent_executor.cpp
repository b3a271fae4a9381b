#include "runtime/cuda/persistent_executor.h"

#include <algorithm>
#include <chrono>
#include <cstring>

namespace kantor::cuda {

namespace {

// How long a launch takes: far longer than the gap to the next, and short enough for somebody who waits for it to end.
constexpr double kLeastSeconds = 0.005, kMostSeconds = 0.02;
constexpr int64_t kLargestBatch = 1 << 16;

constexpr uint64_t kRecordAlignment = alignof(PersistentRecord);

uint64_t record_bytes(const BodyCall& call) {
  return (sizeof(PersistentRecord) + call.arguments.size() + kRecordAlignment - 1) / kRecordAlignment * kRecordAlignment;
}

}  // namespace

std::string PersistentExecutor::obstacle(const Program& program) {
  for (size_t i = 0; i < program.instructions.size(); ++i) {
    const Instruction& instruction = program.instructions[i];
    EnqueueFunction enqueue = find_enqueue(instruction.name);
    std::vector<BodyCall> calls;
    Recorder recorder(calls, {});
    if (enqueue) enqueue(instruction.node, recorder);
    if (!enqueue || std::any_of(calls.begin(), calls.end(), [](const BodyCall& c) { return persistent_body(c.body) < 0; }))
      return "instruction " + std::to_string(i) + ", " + instruction.name + ", is none that the persistent kernel can run";
  }
  return {};
}

PersistentExecutor::PersistentExecutor(const Program& program, CudaBackend& backend) : program_(program), backend_(backend) {
  load_persistent();
  outcome_ = backend_.allocate(sizeof(Outcome), true, "the outcome");
  lay_out(take_calls());
  details = "\"executor\": \"persistent\", \"nodes\": 1, \"bodies\": " + std::to_string(kernel_.count) +
            ", \"barriers\": " + std::to_string(stages_) + ", \"blocks\": " + std::to_string(blocks_);
}

// The schedule tells where an instruction's scratch lies, beside that of others that run at the same time; so the calls are
// taken twice: to learn what is asked for, then with the addresses.
std::vector<PersistentExecutor::Calls> PersistentExecutor::take_calls() {
  size_t ticket_bytes = 0;
  std::vector<size_t> tickets_at, constants_at;
  std::vector<std::byte> constants;
  std::vector<Footprint> footprints;
  auto add_footprint = [&](const Node& node, const Calls& calls, size_t scratch_bytes, bool reads_fault) {
    Plan plan;
    for (const BodyCall& call : calls) plan.phase(static_cast<int>(call.blocks), {});
    plan.scratch(scratch_bytes);
    footprints.push_back(footprint_of(node, plan, reads_fault, program_.fault));
  };
  for (const Instruction& instruction : program_.instructions) {
    Calls calls;
    Recorder recorder(calls, {});
    find_enqueue(instruction.name)(instruction.node, recorder);
    add_footprint(instruction.node, calls, recorder.scratch_bytes(), instruction.guarded);
    tickets_at.push_back(ticket_bytes);
    ticket_bytes += recorder.ticket_bytes();
    constants_at.push_back(constants.size());
    constants.insert(constants.end(), recorder.constant_values().begin(), recorder.constant_values().end());
  }
  std::vector<Calls> all(program_.instructions.size() + 1);
  Recorder counter(all.back(), {});
  count_iteration(program_.fault, outcome(), counter);
  add_footprint({}, all.back(), 0, true);

  schedule_ = make_schedule(footprints);
  scratch_bytes_ = schedule_.scratch_bytes;
  scratch_ = backend_.allocate(scratch_bytes_, false, "scratch");
  tickets_ = backend_.allocate(ticket_bytes, true, "tickets");
  constants_ = backend_.allocate(constants.size(), false, "constants");
  if (!constants.empty()) backend_.write(constants_->data, constants.data(), constants.size());
  for (size_t i = 0; i < program_.instructions.size(); ++i) {
    const Instruction& instruction = program_.instructions[i];
    Recorder recorder(all[i], {scratch_->data + schedule_.scratch_offset[i], tickets_->data + tickets_at[i],
                               constants_->data + constants_at[i]});
    find_enqueue(instruction.name)(instruction.node, recorder);
  }
  return all;
}

// The records, stage by stage. Of a stage's bodies each begins at the block of the grid where the one before it ended,
// so that they run side by side as far as there are blocks.
void PersistentExecutor::lay_out(const std::vector<Calls>& calls) {
  auto call_of = [&](const StageItem& item) -> const BodyCall& {
    return calls[static_cast<size_t>(item.instruction)][static_cast<size_t>(item.phase)];
  };
  uint64_t widest = 1;
  for (const auto& stage : schedule_.stages) {
    uint64_t blocks = 0;
    for (const StageItem& item : stage) blocks += call_of(item).blocks;
    widest = std::max(widest, blocks);
  }
  blocks_ = static_cast<unsigned>(std::min<uint64_t>(widest, static_cast<uint64_t>(backend_.multiprocessors())));
  std::vector<std::byte> table;
  std::vector<PersistentRecord> records;
  std::vector<uint64_t> at;
  for (const auto& stage : schedule_.stages) {
    uint64_t taken = 0;
    for (const StageItem& item : stage) {
      const BodyCall& call = call_of(item);
      bool counts = static_cast<size_t>(item.instruction) == program_.instructions.size();
      bool guarded = !counts && program_.instructions[static_cast<size_t>(item.instruction)].guarded;
      records.push_back({guarded ? program_.fault : nullptr, static_cast<unsigned>(persistent_body(call.body)), call.blocks,
                         static_cast<unsigned>(taken % blocks_), 0, 0, 0});
      taken += call.blocks;
      at.push_back(table.size());
      table.resize(table.size() + record_bytes(call));
      std::memcpy(table.data() + at.back() + sizeof(PersistentRecord), call.arguments.data(), call.arguments.size());
    }
    records.back().meets = 1;
  }
  at.push_back(table.size());
  auto bytes_of = [&](size_t i) { return static_cast<unsigned>(at[i + 1] - at[i]); };
  for (size_t i = 0; i < records.size(); ++i) {
    size_t next = (i + 1) % records.size();
    records[i].next = static_cast<unsigned>(at[next]);
    records[i].next_bytes = bytes_of(next);
    std::memcpy(table.data() + at[i], &records[i], sizeof records[i]);
  }
  stages_ = schedule_.stages.size();
  records_ = backend_.allocate(table.size(), false, "the persistent kernel's table");
  backend_.write(records_->data, table.data(), table.size());
  kernel_ = {records_->data, bytes_of(0), static_cast<unsigned>(records.size()), outcome()};
}

std::vector<Profile> PersistentExecutor::profile() const {
  return profiled_ ? profiled_->profile() : std::vector<Profile>(program_.instructions.size());
}

RunResult PersistentExecutor::run(int64_t iterations, std::atomic<bool>& cancel) {
  backend_.use();
  if (profiling_) {
    if (!profiled_) profiled_ = std::make_unique<CudaExecutor>(program_, backend_);
    profiled_->enable_profile(true);
    return profiled_->run(iterations, cancel);
  }
  if (program_.fault) {
    int64_t code = 0;
    backend_.read(&code, reinterpret_cast<const std::byte*>(program_.fault + kFaultCode), sizeof code);
    if (code != 0) return {KT_FAULT, 0};
  }
  Outcome now = {0, 0};
  backend_.write(outcome_->data, &now, sizeof now);
  for (int64_t launched = 0; launched < iterations;) {
    // Asked to stop already: one iteration, as every run does.
    int64_t n = cancel.load(std::memory_order_relaxed) ? 1 : std::min(batch_size_, iterations - launched);
    auto begin = std::chrono::steady_clock::now();
    launch_persistent(kernel_, n, blocks_, backend_.stream());
    backend_.read(&now, outcome_->data, sizeof now);
    if (n == batch_size_) adapt(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    launched += n;
    if (now.stopped) return {KT_FAULT, now.completed};
    if (cancel.load(std::memory_order_relaxed) && cancel.exchange(false)) return {KT_CANCELLED, launched};
  }
  return {KT_OK, iterations};
}

void PersistentExecutor::adapt(double seconds) {
  if (seconds < kLeastSeconds) batch_size_ = std::min(2 * batch_size_, kLargestBatch);
  if (seconds > kMostSeconds) batch_size_ = std::max<int64_t>(batch_size_ / 2, 1);
}

}  // namespace kantor::cuda
