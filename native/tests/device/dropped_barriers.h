// Whether each barrier of a kernel is needed, and missed where it is not there.
#pragma once
#include <doctest/doctest.h>

#include <cstring>

#include "runtime/cuda/emulator/emulator.h"

namespace kantor::test {

// Has something run that must succeed, then with each barrier of a source file dropped that it came to, when it must not. Gives how
// many these are.
template <class Run>
size_t drop_each_barrier(const char* file, const Run& succeeds) {
  emulator::take_barriers();
  REQUIRE(succeeds());
  size_t dropped = 0;
  for (const emulator::Site& site : emulator::take_barriers()) {
    if (!std::strstr(site.file, file)) continue;
    emulator::options().skipped_barrier = site;
    bool noticed = !succeeds();
    emulator::options().skipped_barrier = {};
    CHECK_MESSAGE(noticed, "the barrier at line " << site.line);
    ++dropped;
  }
  return dropped;
}

}  // namespace kantor::test
