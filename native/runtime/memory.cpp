#include "runtime/memory.h"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <utility>

#include "runtime/error.h"

namespace kantor {

namespace {
constexpr uint64_t kHugePage = uint64_t{2} << 20;
constexpr uint64_t kAlignment = 64;
constexpr int kCollapse = 25;  // MADV_COLLAPSE of Linux 6.1, which older headers lack: now, not when the kernel finds time
}  // namespace

Block::Block(uint64_t bytes, const char* what) : bytes_(bytes) {
  if (bytes == 0) return;
  if (bytes < UINT64_MAX - 2 * kHugePage) {
    if (bytes < kHugePage) {
      uint64_t rounded = (bytes + kAlignment - 1) / kAlignment * kAlignment;
      data_ = static_cast<std::byte*>(std::aligned_alloc(kAlignment, rounded));
      if (data_) std::memset(data_, 0, rounded);
    } else {
      // One huge page more than needed, so that the block can begin on one; the rest is given back.
      uint64_t size = (bytes + kHugePage - 1) / kHugePage * kHugePage;
      void* at = mmap(nullptr, size + kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (at != MAP_FAILED) {
        std::byte* base = static_cast<std::byte*>(at);
        uint64_t head = (kHugePage - reinterpret_cast<uintptr_t>(at) % kHugePage) % kHugePage;
        if (head > 0) munmap(base, head);
        munmap(base + head + size, kHugePage - head);
        data_ = base + head;
        mapped_ = size;
        madvise(data_, size, MADV_HUGEPAGE);  // advice only: a kernel without huge pages is no error
      }
    }
  }
  if (!data_)
    fail(KT_OUT_OF_MEMORY, "%s: %llu bytes (%.1f MiB) cannot be allocated; use a smaller batch or model", what,
         static_cast<unsigned long long>(bytes), static_cast<double>(bytes) / 1048576.0);
}

Block::Block(Block&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      bytes_(std::exchange(other.bytes_, 0)),
      mapped_(std::exchange(other.mapped_, 0)) {}

Block& Block::operator=(Block&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  std::swap(mapped_, other.mapped_);
  return *this;
}

Block::~Block() {
  if (mapped_)
    munmap(data_, mapped_);
  else
    std::free(data_);
}

void prefer_huge_pages(const void* memory, uint64_t bytes) {
  uint64_t begin = (reinterpret_cast<uintptr_t>(memory) + kHugePage - 1) / kHugePage * kHugePage;
  uint64_t end = (reinterpret_cast<uintptr_t>(memory) + bytes) / kHugePage * kHugePage;
  if (end <= begin) return;
  void* at = reinterpret_cast<void*>(begin);
  if (madvise(at, end - begin, MADV_HUGEPAGE) == 0) madvise(at, end - begin, kCollapse);
}

}  // namespace kantor
