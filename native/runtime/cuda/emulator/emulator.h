// The emulated device, as tests and hosts of the emulator see it: how it runs kernels, and what it says when one is wrong.
// README.md beside this tells what it finds and what it cannot find.
#pragma once
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace kantor::emulator {

// What a kernel, or the host's use of the runtime, did wrong. The text names the kernel, block, thread, line, array and
// element. The launch is abandoned; device memory keeps what had been written.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A place in the source.
struct Site {
  const char* file = "";
  int line = 0;
};
bool operator==(const Site& a, const Site& b);

// The order in which ready blocks and threads take their turns. A correct kernel gives one result in all of them.
enum class Order { forward, reverse, shuffled };

struct Options {
  Order order = Order::forward;
  uint64_t seed = 1;          // of the shuffled order
  bool late_copies = true;    // cp.async moves the bytes when they are waited for (else when asked for): both are legal
  uint64_t memory_bytes = uint64_t{1} << 30;  // what cudaMalloc can hand out; at most kMemoryBytes
  Site skipped_barrier;       // the barrier there does nothing: a test whether anything notices
  int64_t lost_after = INT64_MAX;  // launches until the device they run on gives up, as after an error that stays
};
Options& options();

// Gives back the devices that gave up, for the next test.
void restore_devices();

// The barriers (of warp, block and grid) that have run since the last call, each once, in the order of first use.
std::vector<Site> take_barriers();

// What a launch may touch: an array of the node that it belongs to.
struct Operand {
  const std::byte* data;
  uint64_t bytes;
  uint64_t element_bytes;
  std::string name;
  bool writable;
};
// From here on launches may touch these parts of device memory only; none lifts the restriction. A graph remembers what held
// when a launch was captured.
void restrict_launches(std::vector<Operand> operands);

}  // namespace kantor::emulator
