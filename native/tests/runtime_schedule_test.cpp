#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "runtime/schedule.h"

using namespace kantor;

namespace {

// Addresses that are never followed.
Footprint::Range range(uintptr_t begin, uintptr_t end) {
  return {reinterpret_cast<const std::byte*>(begin), reinterpret_cast<const std::byte*>(end)};
}

Footprint one_phase(std::vector<Footprint::Range> reads, std::vector<Footprint::Range> writes) {
  return {std::move(reads), std::move(writes), {1}, 0};
}

// The first and one past the last stage of each instruction.
struct Span {
  int begin = -1, end = -1;
};
std::vector<Span> spans(const Schedule& schedule, size_t instructions) {
  std::vector<Span> result(instructions);
  for (size_t stage = 0; stage < schedule.stages.size(); ++stage)
    for (const StageItem& item : schedule.stages[stage]) {
      Span& span = result[static_cast<size_t>(item.instruction)];
      if (item.phase == 0) span.begin = static_cast<int>(stage);
      span.end = static_cast<int>(stage) + 1;
    }
  return result;
}

bool meet(const std::vector<Footprint::Range>& a, const std::vector<Footprint::Range>& b) {
  return std::any_of(a.begin(), a.end(), [&](const auto& x) {
    return std::any_of(b.begin(), b.end(), [&](const auto& y) { return x.begin < y.end && y.begin < x.end; });
  });
}

}  // namespace

TEST_CASE("instructions that share nothing, or only read the same, share a stage") {
  Schedule s = make_schedule({one_phase({range(0, 100)}, {range(100, 200)}),
                              one_phase({range(50, 100)}, {range(200, 300)}), one_phase({}, {range(300, 400)})});
  REQUIRE_EQ(s.stages.size(), 1);
  CHECK_EQ(s.stages[0].size(), 3);
}

TEST_CASE("a read after a write, a write after a read and a write after a write each take a stage of their own") {
  Footprint a = one_phase({range(0, 100)}, {range(100, 200)});
  CHECK_EQ(make_schedule({a, one_phase({range(199, 210)}, {range(300, 400)})}).stages.size(), 2);
  CHECK_EQ(make_schedule({a, one_phase({}, {range(99, 100)})}).stages.size(), 2);
  CHECK_EQ(make_schedule({a, one_phase({}, {range(150, 151)})}).stages.size(), 2);
  CHECK_EQ(make_schedule({a, one_phase({range(200, 210)}, {range(210, 220)})}).stages.size(), 1);
}

TEST_CASE("a guarded instruction waits for the fault flag's writer, and the next writer for it") {
  int64_t fault[4] = {};
  Node node{"test", {}, {}, {}};
  Plan plan;
  plan.phase(1, [](int, std::byte*) {});
  Footprint guarded = footprint_of(node, plan, true, fault), free = footprint_of(node, plan, false, fault);
  auto at = reinterpret_cast<uintptr_t>(fault);
  Footprint writer = one_phase({}, {range(at, at + 32)});
  CHECK_EQ(make_schedule({writer, guarded, writer}).stages.size(), 3);
  CHECK_EQ(make_schedule({writer, free}).stages.size(), 1);
}

TEST_CASE("phases follow one another; a phase without tasks takes no stage") {
  Footprint a{{}, {range(0, 8)}, {4, 0, 2}, 0};
  Schedule s = make_schedule({a, one_phase({range(0, 8)}, {})});
  REQUIRE_EQ(s.stages.size(), 3);
  CHECK_EQ(s.stages[1][0].phase, 2);
  CHECK_EQ(s.stages[2][0].instruction, 1);
}

TEST_CASE("scratch is shared by instructions that are never under way together") {
  Footprint a{{}, {range(0, 8)}, {1, 1}, 1000}, b{{}, {range(8, 16)}, {1}, 100}, c{{range(0, 8)}, {}, {1}, 500};
  Schedule s = make_schedule({a, b, c});
  CHECK_EQ(s.scratch_offset[0], 0);
  CHECK_EQ(s.scratch_offset[1], 1024);
  CHECK_EQ(s.scratch_offset[2], 0);
  CHECK_EQ(s.scratch_bytes, 1152);
}

TEST_CASE("random programs: every conflict is in order, and nothing waits for more than its conflicts") {
  std::mt19937 random(7);
  auto number = [&](int below) { return static_cast<int>(random() % static_cast<unsigned>(below)); };
  for (int round = 0; round < 200; ++round) {
    std::vector<Footprint> program;
    for (int i = 0, n = 1 + number(40); i < n; ++i) {
      Footprint f;
      for (auto* list : {&f.reads, &f.writes})
        for (int k = number(3); k > 0; --k) {
          uintptr_t begin = static_cast<uintptr_t>(number(500));
          list->push_back(range(begin, begin + 1 + static_cast<uintptr_t>(number(60))));
        }
      for (int k = 1 + number(3); k > 0; --k) f.phase_tasks.push_back(1);
      f.scratch_bytes = static_cast<size_t>(number(3) * 100);
      program.push_back(f);
    }
    Schedule schedule = make_schedule(program);
    std::vector<Span> span = spans(schedule, program.size());
    for (size_t b = 0; b < program.size(); ++b) {
      int earliest = 0;
      for (size_t a = 0; a < b; ++a) {
        if (meet(program[a].writes, program[b].reads) || meet(program[a].writes, program[b].writes) ||
            meet(program[a].reads, program[b].writes))
          earliest = std::max(earliest, span[a].end);
        bool together = span[a].begin < span[b].end && span[b].begin < span[a].end;
        bool both = program[a].scratch_bytes && program[b].scratch_bytes;
        if (together && both) {
          size_t x = schedule.scratch_offset[a], y = schedule.scratch_offset[b];
          bool apart = x + program[a].scratch_bytes <= y || y + program[b].scratch_bytes <= x;
          CHECK(apart);
        }
      }
      CHECK_EQ(span[b].begin, earliest);
      CHECK_EQ(span[b].end, earliest + static_cast<int>(program[b].phase_tasks.size()));
      CHECK_LE(schedule.scratch_offset[b] + program[b].scratch_bytes, schedule.scratch_bytes);
    }
  }
}
