// What shares a node of a graph: instructions that do not depend on each other, as many as there is room for.
#include "runtime/cuda/node_order.h"

#include <algorithm>
#include <cstring>

#include "dropped_barriers.h"
#include "training_step.h"

using namespace kantor;
using namespace kantor::test;
using cuda::make_nodes;
using Nodes = std::vector<std::vector<int>>;

namespace {

constexpr cuda::NodeLimits kRoomy = {1000, 100};

// An instruction that reads and writes bytes by number.
Footprint touches(std::initializer_list<uintptr_t> reads, std::initializer_list<uintptr_t> writes) {
  auto address = [](uintptr_t at) { return reinterpret_cast<const std::byte*>(at); };
  auto ranges = [&](std::initializer_list<uintptr_t> bytes) {
    std::vector<Footprint::Range> all;
    for (uintptr_t at : bytes) all.push_back({address(at), address(at + 1)});
    return all;
  };
  return {ranges(reads), ranges(writes), {}, 0};
}

}  // namespace

TEST_CASE("instructions that share nothing, or only read the same, share a node as far as there is room") {
  std::vector<Footprint> four = {touches({1}, {2}), touches({1}, {3}), touches({1}, {4}), touches({1}, {5})};
  CHECK(make_nodes(four, {8, 8, 8, 8}, kRoomy) == Nodes{{0, 1, 2, 3}});
  CHECK(make_nodes(four, {8, 8, 8, 8}, {1000, 3}) == Nodes{{0, 1, 2}, {3}});
  CHECK(make_nodes(four, {8, 8, 8, 4}, {20, 100}) == Nodes{{0, 1, 3}, {2}});
  CHECK(make_nodes(four, {99, 8, 8, 4}, {20, 100}) == Nodes{{0}, {1, 2, 3}});
}

TEST_CASE("a read after a write, a write after a read and a write after a write share none") {
  CHECK(make_nodes({touches({}, {1}), touches({1}, {2})}, {8, 8}, kRoomy) == Nodes{{0}, {1}});
  CHECK(make_nodes({touches({1}, {2}), touches({}, {1})}, {8, 8}, kRoomy) == Nodes{{0}, {1}});
  CHECK(make_nodes({touches({}, {1}), touches({}, {1})}, {8, 8}, kRoomy) == Nodes{{0}, {1}});
}

TEST_CASE("what can share a node waits for its like while there is something else to do") {
  // 0 and 3 are small and nobody's business; 1 and 2 are a chain of large ones, on which 4 depends, and 5 on that.
  Nodes nodes = make_nodes({touches({}, {10}), touches({}, {11}), touches({11}, {12}), touches({}, {13}),
                            touches({12}, {14}), touches({14}, {15})},
                           {8, 0, 0, 8, 8, 0}, kRoomy);
  CHECK(nodes == Nodes{{1}, {2}, {0, 3, 4}, {5}});
}

TEST_CASE("each barrier dropped from the kernel of groups is noticed") {
  TrainingStep training;
  auto succeed = [&] {
    TrainingStep::OnDevice on(training, "cuda-emulated", 1);
    return kt_program_run(on.program->handle, 2, nullptr) == KT_OK;
  };
  CHECK_EQ(drop_each_barrier("group_kernel.cu", succeed), 1);
}

TEST_CASE("a graph has fewer nodes than bodies") {
  TrainingStep training;
  TrainingStep::OnDevice on(training, "cuda-emulated", 1);
  std::string text(1 << 16, '\0');
  REQUIRE_EQ(kt_program_describe(on.program->handle, text.data(), text.size(), nullptr), KT_OK);
  CAPTURE(text);
  auto number = [&](const char* name) { return std::atoi(text.c_str() + text.find(name) + std::strlen(name)); };
  CHECK_LT(number("\"nodes\": "), number("\"bodies\": "));
}
