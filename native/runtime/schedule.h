// Which phases of which instructions run side by side.
//
// A schedule is a list of stages, run one after another with a barrier between; the phases inside a stage touch nothing
// that another of them writes. Every instruction is placed as early as what it depends on allows.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "runtime/op.h"
#include "runtime/program_format.h"

namespace kantor {

// What one instruction touches, as address ranges, and how it runs.
struct Footprint {
  struct Range {
    const std::byte* begin;
    const std::byte* end;
  };
  std::vector<Range> reads, writes;
  std::vector<int> phase_tasks;  // how many tasks each phase has
  size_t scratch_bytes = 0;
};

// The footprint of a node and its plan; a guarded one reads the fault flag besides (fault null: there is none).
Footprint footprint_of(const Node& node, const Plan& plan, bool guarded, const int64_t* fault);

struct StageItem {
  int instruction, phase;
};

struct Schedule {
  std::vector<std::vector<StageItem>> stages;
  std::vector<size_t> scratch_offset;  // per instruction; two that are under way in the same stage do not share bytes
  size_t scratch_bytes = 0;
};

Schedule make_schedule(const std::vector<Footprint>& instructions);

}  // namespace kantor
