#include "runtime/cuda/node_order.h"

#include <algorithm>
#include <set>

namespace kantor::cuda {

namespace {

bool overlap(const std::vector<Footprint::Range>& a, const std::vector<Footprint::Range>& b) {
  return std::any_of(a.begin(), a.end(), [&](const Footprint::Range& x) {
    return std::any_of(b.begin(), b.end(), [&](const Footprint::Range& y) { return x.begin < y.end && y.begin < x.end; });
  });
}

bool depend(const Footprint& a, const Footprint& b) {
  return overlap(a.writes, b.writes) || overlap(a.writes, b.reads) || overlap(a.reads, b.writes);
}

}  // namespace

std::vector<std::vector<int>> make_nodes(const std::vector<Footprint>& instructions, const std::vector<size_t>& bytes,
                                         const NodeLimits& limits) {
  std::vector<std::vector<size_t>> followers(instructions.size());
  std::vector<int> awaited(instructions.size(), 0);
  std::set<size_t> alone, together;  // those that depend on nothing that is still to come
  auto make_ready = [&](size_t i) { (bytes[i] == 0 ? alone : together).insert(i); };
  for (size_t i = 0; i < instructions.size(); ++i) {
    for (size_t before = 0; before < i; ++before)
      if (depend(instructions[before], instructions[i])) {
        followers[before].push_back(i);
        ++awaited[i];
      }
    if (awaited[i] == 0) make_ready(i);
  }
  std::vector<std::vector<int>> nodes;
  while (!alone.empty() || !together.empty()) {
    std::vector<size_t> taken;
    if (!alone.empty()) {
      taken.push_back(*alone.begin());
    } else {
      size_t sum = 0;
      for (size_t i : together)
        if (taken.size() < limits.members && (taken.empty() || sum + bytes[i] <= limits.bytes)) {
          taken.push_back(i);
          sum += bytes[i];
        }
    }
    nodes.emplace_back(taken.begin(), taken.end());
    for (size_t i : taken) {
      alone.erase(i);
      together.erase(i);
      for (size_t next : followers[i])
        if (--awaited[next] == 0) make_ready(next);
    }
  }
  return nodes;
}

}  // namespace kantor::cuda
