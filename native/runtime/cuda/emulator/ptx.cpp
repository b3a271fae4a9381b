// The twins of ptx.h.
#include "runtime/cuda/ptx.h"

#include <bit>
#include <cstring>

#include "runtime/cuda/emulator/machine.h"

namespace kantor::emulator {

namespace {

struct Fragments {
  float* c;
  const uint32_t *a, *b;
};

// tf32 keeps the upper 19 bits of a float; the tensor cores ignore the rest.
float tf32_of(uint32_t word) { return std::bit_cast<float>(word & 0xFFFFE000u); }
float bf16_of(uint32_t word, int half) { return std::bit_cast<float>(half ? word & 0xFFFF0000u : word << 16); }

template <int kDepth>
void multiply(void* const* operands, const float (&a)[16][kDepth], const float (&b)[kDepth][8]) {
  for (int lane = 0; lane < kLanes; ++lane) {
    float* c = static_cast<const Fragments*>(operands[lane])->c;
    for (int i = 0; i < 4; ++i) {
      int row = lane / 4 + i / 2 * 8, column = lane % 4 * 2 + i % 2;
      for (int k = 0; k < kDepth; ++k) c[i] += a[row][k] * b[k][column];
    }
  }
}

void finish_tf32(void* const* operands) {
  float a[16][8], b[8][8];
  for (int lane = 0; lane < kLanes; ++lane) {
    const Fragments& f = *static_cast<const Fragments*>(operands[lane]);
    int g = lane / 4, t = lane % 4;
    for (int i = 0; i < 4; ++i) a[g + i % 2 * 8][t + i / 2 * 4] = tf32_of(f.a[i]);
    for (int i = 0; i < 2; ++i) b[t + i * 4][g] = tf32_of(f.b[i]);
  }
  multiply(operands, a, b);
}

void finish_bf16(void* const* operands) {
  float a[16][16], b[16][8];
  for (int lane = 0; lane < kLanes; ++lane) {
    const Fragments& f = *static_cast<const Fragments*>(operands[lane]);
    int g = lane / 4, t = lane % 4;
    for (int half = 0; half < 2; ++half) {
      for (int i = 0; i < 4; ++i) a[g + i % 2 * 8][t * 2 + i / 2 * 8 + half] = bf16_of(f.a[i], half);
      for (int i = 0; i < 2; ++i) b[t * 2 + i * 8 + half][g] = bf16_of(f.b[i], half);
    }
  }
  multiply(operands, a, b);
}

struct MatrixRows {
  uint16_t row[8];  // the one whose address this lane gave
  uint32_t* words;
  int matrices;
  bool transposed;
};

void finish_ldmatrix(void* const* operands) {
  auto element = [&](int matrix, int row, int column) {
    return uint32_t{static_cast<const MatrixRows*>(operands[matrix * 8 + row])->row[column]};
  };
  for (int lane = 0; lane < kLanes; ++lane) {
    const MatrixRows& m = *static_cast<const MatrixRows*>(operands[lane]);
    int g = lane / 4, t = lane % 4;
    for (int j = 0; j < m.matrices; ++j)
      m.words[j] = m.transposed ? element(j, t * 2, g) | element(j, t * 2 + 1, g) << 16
                                : element(j, g, t * 2) | element(j, g, t * 2 + 1) << 16;
  }
}

void perform(const AsyncCopy& copy) {
  if (copy.source_bytes) check(copy.from, copy.source_bytes, Access::read, copy.code);
  check(copy.to, copy.bytes, Access::write, copy.code);
  std::memcpy(copy.to, copy.from, copy.source_bytes);
  std::memset(copy.to + copy.source_bytes, 0, copy.bytes - copy.source_bytes);
}

bool is_shared(const void* address) {
  return reinterpret_cast<uintptr_t>(address) - kShared < kSharedSlots * kSharedSlot;
}

}  // namespace

uint32_t round_tf32(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  if (value != value) return 0x7FFFFFFFu;
  bool finite = (bits & 0x7F800000u) != 0x7F800000u;
  return (finite ? bits + 0x1000u : bits) & 0xFFFFE000u;
}

uint32_t pack_bf16(float low, float high) {
  auto round = [](float value) -> uint32_t {
    uint32_t bits = std::bit_cast<uint32_t>(value);
    if (value != value) return 0x7FFFu;
    return (bits + 0x7FFFu + (bits >> 16 & 1)) >> 16;
  };
  return round(low) | round(high) << 16;
}

void mma_tf32(float* c, const uint32_t* a, const uint32_t* b, Site site) {
  Fragments operand = {c, a, b};
  collective(~0u, "mma_tf32", &operand, finish_tf32, site);
}

void mma_bf16(float* c, const uint32_t* a, const uint32_t* b, Site site) {
  Fragments operand = {c, a, b};
  collective(~0u, "mma_bf16", &operand, finish_bf16, site);
}

void ldmatrix(uint32_t* words, int matrices, const void* row, bool transposed, Site site) {
  if (!is_shared(row)) fail("ldmatrix at %s:%d: the row's address is not in shared memory", site.file, site.line);
  check(row, 16, Access::read, __builtin_return_address(0));
  MatrixRows operand = {{}, words, matrices, transposed};
  std::memcpy(operand.row, row, 16);
  collective(~0u, "ldmatrix", &operand, finish_ldmatrix, site);
}

void copy_async(void* to, const void* from, uint32_t bytes, uint32_t source_bytes) {
  const void* code = __builtin_return_address(0);
  AsyncCopy copy = {static_cast<std::byte*>(to), static_cast<const std::byte*>(from), bytes, source_bytes, code};
  if (!is_shared(to)) fail("cp.async: the destination is not in shared memory");
  if (reinterpret_cast<uintptr_t>(from) % bytes != 0)
    fail("cp.async: the source is not a multiple of %u bytes", bytes);
  if (source_bytes > bytes) fail("cp.async: %u source bytes for a copy of %u", source_bytes, bytes);
  if (source_bytes) check(from, source_bytes, Access::read, code);
  check(to, bytes, Access::write, code);
  machine.current->copies.push_back(copy);
  if (!options().late_copies) return perform(copy);
  std::memset(to, 0xff, bytes);
  unwrite(to, bytes);
}

void commit_copies() {
  Fiber& f = *machine.current;
  uint32_t grouped = 0;
  for (uint32_t group : f.copy_groups) grouped += group;
  f.copy_groups.push_back(static_cast<uint32_t>(f.copies.size()) - grouped);
}

void wait_copies(uint32_t pending) {
  Fiber& f = *machine.current;
  while (f.copy_groups.size() > pending) {
    for (uint32_t i = 0; i < f.copy_groups[0]; ++i)
      if (options().late_copies) perform(f.copies[i]);
    f.copies.erase(f.copies.begin(), f.copies.begin() + f.copy_groups[0]);
    f.copy_groups.erase(f.copy_groups.begin());
  }
}

}  // namespace kantor::emulator
