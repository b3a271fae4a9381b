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
