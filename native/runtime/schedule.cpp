#include "runtime/schedule.h"

#include <algorithm>
#include <map>

namespace kantor {

namespace {

// For every byte touched so far: the first stage in which it may be read (after its last write) and written (after
// every use). Ranges are cut where uses of different extent meet.
class UseMap {
 public:
  int first_stage(const Footprint& footprint) {
    int stage = 0;
    for (const auto& range : footprint.reads) visit(range, [&](Use& use) { stage = std::max(stage, use.readable); });
    for (const auto& range : footprint.writes) visit(range, [&](Use& use) { stage = std::max(stage, use.writable); });
    return stage;
  }

  // Records that the footprint's instruction is over before stage `after`.
  void record(const Footprint& footprint, int after) {
    for (const auto& range : footprint.reads)
      visit(range, [&](Use& use) { use.writable = std::max(use.writable, after); });
    for (const auto& range : footprint.writes) visit(range, [&](Use& use) { use.readable = use.writable = after; });
  }

 private:
  struct Use {
    const std::byte* end;
    int readable = 0, writable = 0;
  };

  // Calls f for the pieces that make up the range exactly, creating those that are missing.
  template <class F>
  void visit(const Footprint::Range& range, F f) {
    cut(range.begin);
    cut(range.end);
    auto it = uses_.lower_bound(range.begin);
    for (const std::byte* at = range.begin; at < range.end; ++it) {
      if (it == uses_.end() || it->first > at) {
        const std::byte* end = it == uses_.end() ? range.end : std::min(range.end, it->first);
        it = uses_.emplace_hint(it, at, Use{end});
      }
      f(it->second);
      at = it->second.end;
    }
  }

  // Splits the piece that contains `at` in its inside.
  void cut(const std::byte* at) {
    auto next = uses_.upper_bound(at);
    if (next == uses_.begin()) return;
    auto it = std::prev(next);
    if (it->first == at || it->second.end <= at) return;
    uses_.emplace_hint(next, at, it->second);
    it->second.end = at;
  }

  std::map<const std::byte*, Use> uses_;
};

// First fit in order of the first stage: an instruction takes the lowest bytes that nobody holds during its stages, so
// that the same bytes, still in cache, serve one instruction after another.
void place_scratch(const std::vector<Footprint>& instructions, const std::vector<int>& begin,
                   const std::vector<int>& end, Schedule& schedule) {
  std::vector<int> order;
  for (size_t i = 0; i < instructions.size(); ++i)
    if (instructions[i].scratch_bytes > 0) order.push_back(static_cast<int>(i));
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return begin[a] < begin[b]; });
  struct Held {
    size_t offset, bytes;
    int end;
  };
  std::vector<Held> held;  // by offset
  for (int i : order) {
    std::erase_if(held, [&](const Held& h) { return h.end <= begin[i]; });
    size_t bytes = (instructions[i].scratch_bytes + 63) / 64 * 64, offset = 0;
    auto at = held.begin();
    for (; at != held.end() && at->offset < offset + bytes; ++at) offset = at->offset + at->bytes;
    held.insert(at, {offset, bytes, end[i]});
    schedule.scratch_offset[i] = offset;
    schedule.scratch_bytes = std::max(schedule.scratch_bytes, offset + bytes);
  }
}

}  // namespace

Footprint footprint_of(const Node& node, const Plan& plan, bool guarded, const int64_t* fault) {
  Footprint footprint;
  for (const Tensor& t : node.in) footprint.reads.push_back({t.data, t.data + t.bytes()});
  for (const Tensor& t : node.out) footprint.writes.push_back({t.data, t.data + t.bytes()});
  if (guarded && fault) {
    const std::byte* flag = reinterpret_cast<const std::byte*>(fault + kFaultCode);
    footprint.reads.push_back({flag, flag + sizeof(int64_t)});
  }
  for (const Phase& phase : plan.phases) footprint.phase_tasks.push_back(phase.tasks);
  footprint.scratch_bytes = plan.scratch_bytes;
  return footprint;
}

Schedule make_schedule(const std::vector<Footprint>& instructions) {
  Schedule schedule;
  schedule.scratch_offset.resize(instructions.size());
  std::vector<int> begin(instructions.size()), end(instructions.size());
  UseMap uses;
  for (size_t i = 0; i < instructions.size(); ++i) {
    int stage = begin[i] = uses.first_stage(instructions[i]);
    for (size_t phase = 0; phase < instructions[i].phase_tasks.size(); ++phase) {
      if (instructions[i].phase_tasks[phase] == 0) continue;
      if (schedule.stages.size() <= static_cast<size_t>(stage)) schedule.stages.resize(stage + 1);
      schedule.stages[stage++].push_back({static_cast<int>(i), static_cast<int>(phase)});
    }
    end[i] = stage;
    uses.record(instructions[i], stage);
  }
  place_scratch(instructions, begin, end, schedule);
  return schedule;
}

}  // namespace kantor
