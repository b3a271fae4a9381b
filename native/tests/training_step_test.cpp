// The state of a training step follows the reference's over several iterations, on every device.
#include <cmath>

#include "training_step.h"

using namespace kantor;
using namespace kantor::test;

TEST_CASE("a training step follows the reference on every device, the same for any number of threads") {
  TrainingStep training;
  std::vector<Value> want = training.run("reference", 1, {12});
  CHECK_EQ(want[1].get(0), 12);
  for (const std::string& device : tested_devices()) {
    CAPTURE(device);
    std::vector<Value> one = training.run(device, 1, {12}), two = training.run(device, 2, {12});
    for (size_t i = 0; i < want.size(); ++i) {
      CAPTURE(i);
      CHECK_LE(max_relative_error(one[i], want[i]), 1e-3);
      CHECK(same_bits(one[i], two[i]));
    }
  }
}

// Kernels that begin too early, or read what another multiprocessor has not handed over, show in bits, and not every time.
TEST_CASE("the executors of a CUDA device train the same bits, time and again") {
  TrainingStep training;
  const std::vector<int> runs = {3, all_combinations() ? 5000 : 70};
  for (const std::string& device : tested_devices()) {
    if (!device.starts_with("cuda")) continue;
    const std::string base = device.substr(0, device.find('+'));
    const std::vector<Value> want = training.run(base + "+serial", 1, runs, KT_OK, 1e-5);
    CHECK_EQ(want[1].get(0), runs[0] + runs[1]);
    for (const char* executor : {"+graph", "+graph", "+persistent", "+persistent"}) {
      CAPTURE(executor);
      const std::vector<Value> got = training.run(base + executor, 1, runs, KT_OK, 1e-5);
      for (size_t i = 0; i < want.size(); ++i) {
        CAPTURE(i);
        CHECK(same_bits(got[i], want[i]));
      }
    }
  }
}

TEST_CASE("a training step that diverges keeps the state of its last good update") {
  TrainingStep training;
  std::vector<std::string> devices = tested_devices();
  devices.push_back("reference");
  for (const std::string& device : devices) {
    CAPTURE(device);
    // The first update makes the parameters infinite, and so the gradients of the second iteration NaN.
    std::vector<Value> first = training.run(device, 1, {1}, KT_OK, INFINITY);
    std::vector<Value> after = training.run(device, 1, {100}, KT_FAULT, INFINITY);
    CHECK_EQ(after[0].get(0), 1);
    CHECK_EQ(after[1].get(0), 1);
    for (size_t i = 1; i < after.size(); ++i) CHECK(same_bits(after[i], first[i]));
  }
}
