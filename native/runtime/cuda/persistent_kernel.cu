#include "runtime/cuda/persistent_kernel.h"

#include "ops/gemm/gemm_body.h"
#include "runtime/cuda/bodies.h"
#include "runtime/cuda/grid.h"
#include "runtime/cuda/ptx.h"

namespace kantor::cuda {

namespace {

// (No layer of theirs has both factors transposed.)
template <class Tile, Precision precision>
using Products =
    BodyList<GemmBody<Tile, precision, false, false, SmallPw>, GemmBody<Tile, precision, false, true, SmallPw>,
             GemmBody<Tile, precision, true, false, SmallPw>>;

using All = Joined<Products<SmallTile, Precision::fp32>, Products<SmallTile, Precision::tf32>,
                   Products<SmallTile, Precision::bf16>, Products<LargeTile, Precision::fp32>,
                   Products<LargeTile, Precision::tf32>, Products<LargeTile, Precision::bf16>, OtherBodies>::Type;

// Shared memory: two records, the one that runs and the next, then what the bodies use in turn.
constexpr size_t kRecordBytes = 4096;
constexpr int kRecordPiece = 16;
static_assert(sizeof(PersistentRecord) + kBodyArgumentBytes <= kRecordBytes && kRecordBytes == kBlockThreads * kRecordPiece);

// A function of its own for each body, so that none takes registers from another. It finds the shared memory itself,
// lest the compiler take the address for any.
template <class Body>
KANTOR_NOINLINE __device__ void run_body(int buffer) {
  KANTOR_DYNAMIC_SHARED(std::byte, memory);
  const std::byte* at = memory + buffer * static_cast<int>(kRecordBytes);
  const auto& record = *reinterpret_cast<const PersistentRecord*>(at);
  const auto& arguments = *reinterpret_cast<const typename Body::Arguments*>(at + sizeof(PersistentRecord));
  using Shared = typename Body::Shared;
  unsigned blocks = record.blocks;
  unsigned block = blockIdx.x >= record.first ? blockIdx.x - record.first : blockIdx.x + gridDim.x - record.first;
  if constexpr (Body::kThreads == kWarp) {
    Shared none;
    for (unsigned b = threadIdx.x / kWarp * gridDim.x + block; b < blocks; b += kBlockThreads / kWarp * gridDim.x)
      Body::run(arguments, b, none);
  } else if constexpr (std::is_empty_v<Shared>) {
    static_assert(Body::kThreads == kBlockThreads);
    Shared none;
    for (unsigned b = block; b < blocks; b += gridDim.x) Body::run(arguments, b, none);
  } else {
    static_assert(Body::kThreads == kBlockThreads);
    auto& shared = *reinterpret_cast<Shared*>(memory + 2 * kRecordBytes);
    for (unsigned b = block; b < blocks; b += gridDim.x) {
      if (b != block) __syncthreads();
      Body::run(arguments, b, shared);
    }
  }
}

__global__ void __launch_bounds__(kBlockThreads, 1) persistent_kernel(PersistentProgram p, int64_t iterations) {
  KANTOR_DYNAMIC_SHARED(std::byte, memory);
  auto fetch = [&](int buffer, unsigned record, unsigned bytes) {
    unsigned at = threadIdx.x * kRecordPiece;
    if (at < bytes)
      copy_async<kRecordPiece>(memory + static_cast<unsigned>(buffer) * kRecordBytes + at, p.records + record + at);
    commit_copies();
  };
  fetch(0, 0, p.first_bytes);
  wait_copies<0>();
  __syncthreads();
  int buffer = 0;
  for (int64_t iteration = 0; iteration < iterations; ++iteration) {
    for (unsigned k = 0; k < p.count; ++k, buffer ^= 1) {
      const auto& record =
          *reinterpret_cast<const PersistentRecord*>(memory + static_cast<unsigned>(buffer) * kRecordBytes);
      fetch(buffer ^ 1, record.next, record.next_bytes);
      if (!held(record.guard))
        with_body<All, 0, All::kCount>(record.body,
                                       [&]<class Body>(std::type_identity<Body>) { run_body<Body>(buffer); });
      wait_copies<0>();
      if (record.meets)
        cooperative_groups::this_grid().sync();
      else
        __syncthreads();
    }
    if (p.outcome->stopped) return;
  }
}

}  // namespace

int persistent_body(const void* key) { return All::number(key); }

namespace {
LaunchShape shape(unsigned blocks) { return {blocks, kBlockThreads, 2 * kRecordBytes + All::kSharedBytes, true}; }
}  // namespace

void load_persistent() { load(reinterpret_cast<const void*>(persistent_kernel), shape(1)); }

void launch_persistent(const PersistentProgram& program, int64_t iterations, unsigned blocks, cudaStream_t stream) {
  launch(persistent_kernel, shape(blocks), stream, program, iterations);
}

}  // namespace kantor::cuda
