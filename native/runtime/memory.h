// Blocks of zeroed memory that the kernel hands out page by page on first touch, so that a large arena costs what it
// uses.
#pragma once
#include <cstddef>
#include <cstdint>

namespace kantor {

class Block {
 public:
  Block() = default;
  // Zeroed, aligned to 64 bytes; huge pages are advised from 2 MB on. Throws KT_OUT_OF_MEMORY naming what and the size.
  Block(uint64_t bytes, const char* what);
  Block(Block&& other) noexcept;
  Block& operator=(Block&& other) noexcept;
  ~Block();

  std::byte* data() const { return data_; }
  uint64_t bytes() const { return bytes_; }

 private:
  std::byte* data_ = nullptr;
  uint64_t bytes_ = 0;
  uint64_t mapped_ = 0;  // 0: from the heap
};

// Asks for huge pages under memory of the caller's, where it has any: a batch's rows lie anywhere in a data set, and with small
// pages each row costs a walk of the page table. Changes no contents; a kernel that cannot is no error.
void prefer_huge_pages(const void* memory, uint64_t bytes);

}  // namespace kantor
