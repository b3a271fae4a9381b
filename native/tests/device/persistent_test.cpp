// One kernel for many iterations does what CUDA graphs do, bit for bit, and meets where it must.
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "dropped_barriers.h"
#include "training_step.h"

using namespace kantor;
using namespace kantor::test;

namespace {

constexpr const char *kGraph = "cuda-emulated", *kPersistent = "cuda-emulated+persistent";

bool same(const std::vector<Value>& a, const std::vector<Value>& b) {
  bool all = a.size() == b.size();
  for (size_t i = 0; all && i < a.size(); ++i) all = same_bits(a[i], b[i]);
  return all;
}

std::string describe(const Program& program) {
  std::string text(1 << 16, '\0');
  REQUIRE_EQ(kt_program_describe(program.handle, text.data(), text.size(), nullptr), KT_OK);
  return text.c_str();
}

// The number after a name in JSON.
int number(const std::string& text, const std::string& name) {
  size_t at = text.find("\"" + name + "\": ");
  return at == std::string::npos ? -1 : std::atoi(text.c_str() + at + name.size() + 4);
}

}  // namespace

TEST_CASE("a persistent kernel gives the bits of the graphs, in one run or several") {
  TrainingStep training;
  std::vector<Value> want = training.run(kGraph, 1, {7});
  CHECK(same(training.run(kPersistent, 1, {7}), want));
  CHECK(same(training.run(kPersistent, 1, {1, 4, 2}), want));
  CHECK(same(training.run(kPersistent, 2, {7}), want));  // in reverse
}

TEST_CASE("a persistent kernel stops where the fault is set") {
  TrainingStep training;
  std::vector<Value> want = training.run(kGraph, 1, {100}, KT_FAULT, INFINITY);
  CHECK(same(training.run(kPersistent, 1, {100}, KT_FAULT, INFINITY), want));
}

TEST_CASE("a persistent kernel meets only where instructions depend on each other") {
  TrainingStep training;
  TrainingStep::OnDevice on(training, kPersistent, 1);
  std::string text = describe(*on.program);
  CAPTURE(text);
  CHECK_NE(text.find("\"executor\": \"persistent\""), std::string::npos);
  CHECK_GE(number(text, "barriers"), 8);  // from the data to the parameters
  CHECK_LT(number(text, "barriers"), number(text, "bodies") * 3 / 4);
}

TEST_CASE("each barrier dropped from the persistent kernel is noticed") {
  TrainingStep training;
  // A product of more tiles than the grid has blocks.
  OpCase product = {"gemm", {random({100, 20}, 1), random({20, 70}, 2)}, {f32({100, 70})}, {0, 0, 100, 70, 0, 1, 0}};
  auto succeed = [&] {
    TrainingStep::OnDevice on(training, kPersistent, 1);
    bool trained = kt_program_run(on.program->handle, 2, nullptr) == KT_OK;
    return trained && attempt_op(product, kPersistent, 1).status == KT_OK;
  };
  CHECK_EQ(drop_each_barrier("persistent_kernel.cu", succeed), 4);
}

TEST_CASE("a request to cancel ends a persistent run after a whole iteration") {
  Device device(kPersistent, 1);
  Memory counter(device, 8);
  ProgramBuilder builder;
  builder.slot(DType::i64, 8);
  builder.instruction("counter_add", {}, {{0, DType::i64, 0, {1}}}, {1});
  Program program(device, builder.bytes(), {counter.handle});
  int64_t completed = 0;
  CHECK_EQ(kt_program_cancel(program.handle), KT_OK);
  CHECK_EQ(kt_program_run(program.handle, 50, &completed), KT_CANCELLED);
  CHECK_EQ(completed, 1);
  CHECK_EQ(kt_program_run(program.handle, 50, &completed), KT_OK);
  CHECK_EQ(completed, 50);
  CHECK_EQ(counter.read(i64({1})).get(0), 51);
}

TEST_CASE("a profile of a persistent run counts each instruction") {
  Device device(kPersistent, 1);
  Memory counter(device, 8);
  ProgramBuilder builder;
  builder.slot(DType::i64, 8);
  builder.instruction("counter_add", {}, {{0, DType::i64, 0, {1}}}, {1});
  Program program(device, builder.bytes(), {counter.handle});
  CHECK_EQ(kt_program_profile(program.handle, 1), KT_OK);
  CHECK_EQ(kt_program_run(program.handle, 3, nullptr), KT_OK);
  CHECK_EQ(kt_program_profile(program.handle, 0), KT_OK);
  CHECK_EQ(kt_program_run(program.handle, 4, nullptr), KT_OK);
  CHECK_EQ(number(describe(program), "calls"), 3);
  CHECK_EQ(counter.read(i64({1})).get(0), 7);
}

TEST_CASE("a program that the persistent kernel cannot run is run by graphs, and says so") {
  Device device(kPersistent, 1);
  Memory x(device, f32({1, 1, 4, 4})), out(device, f32({1, 1, 2, 2}));
  ProgramBuilder builder;
  builder.slot(DType::f32, 64);
  builder.slot(DType::f32, 16);
  builder.instruction("avg_pool", {{0, DType::f32, 0, {1, 1, 4, 4}}}, {{1, DType::f32, 0, {1, 1, 2, 2}}}, {2, 2, bits(1)});
  Program program(device, builder.bytes(), {x.handle, out.handle});
  std::string text = describe(program);
  CAPTURE(text);
  CHECK_NE(text.find("\"executor\": \"graph\", \"nodes\": 2"), std::string::npos);
  CHECK_NE(text.find("instruction 0, avg_pool, is none"), std::string::npos);
  CHECK_EQ(kt_program_run(program.handle, 2, nullptr), KT_OK);
}

TEST_CASE("executors have names, and only CUDA devices have them") {
  kt_device* device = nullptr;
  CHECK_EQ(kt_device_open("cpu+persistent", 1, &device), KT_UNSUPPORTED);
  CHECK_EQ(kt_device_open("cuda-emulated+quick", 1, &device), KT_INVALID_ARGUMENT);
  CHECK_NE(std::string(kt_error_message()).find("graph, serial, persistent and cudnn"), std::string::npos);
  Device graph("cuda-emulated+graph", 1);
  char text[4096];
  REQUIRE_EQ(kt_device_describe(graph.handle, text, sizeof text), KT_OK);
  CHECK_NE(std::string(text).find("\"name\": \"cuda-emulated+graph\""), std::string::npos);
}
