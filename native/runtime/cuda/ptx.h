// The instructions that CUDA C++ has no words for, each with a twin on the emulated device. Nothing else writes PTX.
// What a device cannot do before sm_90 compiles to nothing for one.
// Layouts are those of the PTX ISA ("Matrix Fragments for mma"); lane = 4 g + t:
//   mma_tf32, m16n8k8:   a[i]: row g + 8 (i % 2), column t + 4 (i / 2)     b[i]: row t + 4 i, column g
//   mma_bf16, m16n8k16:  a[i]: row g + 8 (i % 2), columns 2 t + 8 (i / 2) and the next    b[i]: rows 2 t + 8 i and the next,
//                        column g; the lower half of a word comes first
//   both:                c[i]: row g + 8 (i / 2), column 2 t + i % 2
#pragma once
#include "runtime/cuda/device.h"

#if !defined(__CUDACC__)
namespace kantor::emulator {
void mma_tf32(float* c, const uint32_t* a, const uint32_t* b, Site site);
void mma_bf16(float* c, const uint32_t* a, const uint32_t* b, Site site);
void ldmatrix(uint32_t* words, int matrices, const void* row, bool transposed, Site site);
void copy_async(void* to, const void* from, uint32_t bytes, uint32_t source_bytes);
void commit_copies();
void wait_copies(uint32_t pending);
void wait_for_predecessors();
uint32_t round_tf32(float value);
uint32_t pack_bf16(float low, float high);
}  // namespace kantor::emulator
#define KANTOR_TWIN_SITE , KANTOR_SITE
#else
#define KANTOR_TWIN_SITE
#endif

namespace kantor {

#if defined(__CUDACC__)
__device__ inline unsigned shared_address(const void* p) { return static_cast<unsigned>(__cvta_generic_to_shared(p)); }
#endif

// value to the nearest tf32, ties away from zero; what mma_tf32 takes.
__device__ inline uint32_t to_tf32(float value) {
#if defined(__CUDACC__)
  uint32_t bits;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(value));
  return bits;
#else
  return emulator::round_tf32(value);
#endif
}

// Two bf16, each to the nearest, ties to even, in one word.
__device__ inline uint32_t to_bf16(float low, float high) {
#if defined(__CUDACC__)
  uint32_t bits;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(bits) : "f"(high), "f"(low));
  return bits;
#else
  return emulator::pack_bf16(low, high);
#endif
}

// c += a * b, by a whole warp, float32 accumulation.
__device__ inline void mma_tf32(float (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2] KANTOR_TWIN_SITE) {
#if defined(__CUDACC__)
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
  emulator::mma_tf32(c, a, b, KANTOR_HERE);
#endif
}
__device__ inline void mma_bf16(float (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2] KANTOR_TWIN_SITE) {
#if defined(__CUDACC__)
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
  emulator::mma_bf16(c, a, b, KANTOR_HERE);
#endif
}

// Four 8 x 8 matrices of 16-bit elements: lanes 8 j to 8 j + 7 give the addresses, in shared memory, of the rows of
// matrix j; lane l gets elements 2 (l % 4) and the next of row l / 4 of each (transposed: rows 2 (l % 4) and the next of
// column l / 4).
__device__ inline void load_matrices(uint32_t (&words)[4], const void* row KANTOR_TWIN_SITE) {
#if defined(__CUDACC__)
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
               : "r"(shared_address(row))
               : "memory");
#else
  emulator::ldmatrix(words, 4, row, false, KANTOR_HERE);
#endif
}
__device__ inline void load_matrices_transposed(uint32_t (&words)[4], const void* row KANTOR_TWIN_SITE) {
#if defined(__CUDACC__)
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
               : "r"(shared_address(row))
               : "memory");
#else
  emulator::ldmatrix(words, 4, row, true, KANTOR_HERE);
#endif
}

// Copies kBytes (4, 8 or 16) from global to shared memory in the background: source_bytes of them, zeros for the rest. Both
// addresses are multiples of kBytes. The bytes are there, for this thread, after the wait that covers their group.
template <int kBytes>
__device__ inline void copy_async(void* to, const void* from, unsigned source_bytes = kBytes) {
  static_assert(kBytes == 4 || kBytes == 8 || kBytes == 16);
#if defined(__CUDACC__)
  if constexpr (kBytes == 16)
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(to)), "l"(from), "r"(source_bytes)
                 : "memory");
  else
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(shared_address(to)), "l"(from), "n"(kBytes),
                 "r"(source_bytes)
                 : "memory");
#else
  emulator::copy_async(to, from, kBytes, source_bytes);
#endif
}
// Makes a group of this thread's copies since the last one.
__device__ inline void commit_copies() {
#if defined(__CUDACC__)
  asm volatile("cp.async.commit_group;" ::: "memory");
#else
  emulator::commit_copies();
#endif
}
// Of a launch that may be early (device.h: LaunchShape::early). Once each block of this launch has come here or ended, the
// next launch in the stream may begin, beside this one.
__device__ inline void let_next_begin() {
#if defined(__CUDACC__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}
// Waits until the launch in front of this one has ended and what it wrote can be read. Nothing where this one is not early.
__device__ inline void wait_for_predecessors() {
#if defined(__CUDACC__)
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
#else
  emulator::wait_for_predecessors();
#endif
}
// Waits until at most kPending of this thread's groups are under way.
template <int kPending>
__device__ inline void wait_copies() {
#if defined(__CUDACC__)
  asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
#else
  emulator::wait_copies(kPending);
#endif
}

}  // namespace kantor
