#include <doctest/doctest.h>

#include <algorithm>

#include "runtime/error.h"
#include "runtime/memory.h"

using namespace kantor;

TEST_CASE("blocks are zeroed, aligned to a cache line, the large ones to a huge page, and whole to their last byte") {
  for (uint64_t bytes : {uint64_t{1}, uint64_t{64}, uint64_t{1000001}, uint64_t{2} << 20, (uint64_t{5} << 20) + 3}) {
    CAPTURE(bytes);
    Block block(bytes, "test");
    auto address = reinterpret_cast<uintptr_t>(block.data());
    CHECK_EQ(address % (bytes < 2 << 20 ? 64 : 2 << 20), 0);
    CHECK(std::all_of(block.data(), block.data() + bytes, [](std::byte b) { return b == std::byte{0}; }));
    std::fill_n(block.data(), bytes, std::byte{1});
    Block moved = std::move(block);
    CHECK_EQ(static_cast<int>(moved.data()[bytes - 1]), 1);
    CHECK(block.data() == nullptr);
  }
  CHECK(Block(0, "test").data() == nullptr);
  for (uint64_t bytes : {UINT64_MAX, UINT64_MAX - (2 << 20), uint64_t{1} << 60})
    CHECK_THROWS_AS(Block(bytes, "test"), Error);
}
