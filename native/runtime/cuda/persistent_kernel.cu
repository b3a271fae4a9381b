#include "runtime/cuda/persistent_kernel.h"

#include <algorithm>

#include "ops/batch_indices/batch_indices_body.h"
#include "ops/copy/copy_body.h"
#include "ops/counter_add/counter_add_body.h"
#include "ops/gather/gather_body.h"
#include "ops/gemm/gemm_body.h"
#include "ops/gradient_norms/gradient_norms_body.h"
#include "ops/normal/normal_body.h"
#include "ops/optimizer/optimizer_body.h"
#include "ops/pointwise/pointwise_body.h"
#include "ops/rate_schedule/rate_schedule_body.h"
#include "ops/reduce/reduce_body.h"
#include "ops/ring_write/ring_write_body.h"
#include "ops/row_penalty/row_penalty_body.h"
#include "ops/uniform/uniform_body.h"
#include "runtime/cuda/count_iteration_body.h"
#include "runtime/cuda/grid.h"
#include "runtime/cuda/ptx.h"

namespace kantor::cuda {

namespace {

template <class Body>
struct Widened {
  using Type = Body;
};
template <class Body>
  requires requires { typename Body::Wide; }
struct Widened<Body> {
  using Type = typename Body::Wide;
};

// Bodies, in the order of their numbers.
template <class... Bodies>
struct List {
  static constexpr int kCount = sizeof...(Bodies);
  static constexpr size_t kSharedBytes = std::max({shared_bytes<typename Widened<Bodies>::Type::Shared>()...});
  static const void* key(int i) {
    static const void* const keys[] = {&body_key<Bodies>...};
    return keys[i];
  }
};

template <class... Lists>
struct Joined;
template <class... A>
struct Joined<List<A...>> {
  using Type = List<A...>;
};
template <class... A, class... B, class... Rest>
struct Joined<List<A...>, List<B...>, Rest...> {
  using Type = typename Joined<List<A..., B...>, Rest...>::Type;
};

// (No layer of theirs has both factors transposed.)
template <class Tile, Precision precision>
using Products = List<GemmBody<Tile, precision, false, false, SmallPw>, GemmBody<Tile, precision, false, true, SmallPw>,
                      GemmBody<Tile, precision, true, false, SmallPw>>;

// What training and sampling a dense network takes.
using Others =
    List<CountIterationBody, CounterAddBody, RateScheduleBody, RingWriteBody, BatchIndicesBody, NormalBody, UniformBody,
         GatherBody<uint8_t, float>, GatherBody<float, float>, GatherBody<uint8_t, int32_t>, GatherBody<int32_t, int32_t>,
         CopyBody<uint32_t>, CopyBody<uint64_t>, FillZeroBody<uint32_t>, FillZeroBody<uint64_t>, PointwiseBody<1, SmallPw>,
         PointwiseBody<4, SmallPw>, SumByWarpBody<SmallPw>, SumBody<SmallPw>, SumColumnsBody<SmallPw>, RowPenaltyBody,
         GradientNormsBody, OptimizerBody<OptimizerKind::adam, false>, OptimizerBody<OptimizerKind::adam, true>,
         OptimizerBody<OptimizerKind::rmsprop, false>, OptimizerBody<OptimizerKind::rmsprop, true>,
         OptimizerBody<OptimizerKind::sgd, false>, OptimizerBody<OptimizerKind::sgd, true>>;
using All = Joined<Products<SmallTile, Precision::fp32>, Products<SmallTile, Precision::tf32>,
                   Products<SmallTile, Precision::bf16>, Products<LargeTile, Precision::fp32>,
                   Products<LargeTile, Precision::tf32>, Products<LargeTile, Precision::bf16>, Others>::Type;

template <int i, class First, class... Rest>
struct At {
  using Type = typename At<i - 1, Rest...>::Type;
};
template <class First, class... Rest>
struct At<0, First, Rest...> {
  using Type = First;
};
template <int i, class Bodies>
struct Numbered;
template <int i, class... Bodies>
struct Numbered<i, List<Bodies...>> {
  using Type = typename At<i, Bodies...>::Type;
};

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

template <int low, int high>
__device__ __forceinline__ void dispatch(unsigned body, int buffer) {
  if constexpr (high - low == 1) {
    run_body<typename Widened<typename Numbered<low, All>::Type>::Type>(buffer);
  } else {
    constexpr int middle = (low + high) / 2;
    if (body < middle)
      dispatch<low, middle>(body, buffer);
    else
      dispatch<middle, high>(body, buffer);
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
      if (!held(record.guard)) dispatch<0, All::kCount>(record.body, buffer);
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

int persistent_body(const void* key) {
  for (int i = 0; i < All::kCount; ++i)
    if (All::key(i) == key) return i;
  return -1;
}

namespace {
LaunchShape shape(unsigned blocks) { return {blocks, kBlockThreads, 2 * kRecordBytes + All::kSharedBytes, true}; }
}  // namespace

void load_persistent() { load(reinterpret_cast<const void*>(persistent_kernel), shape(1)); }

void launch_persistent(const PersistentProgram& program, int64_t iterations, unsigned blocks, cudaStream_t stream) {
  launch(persistent_kernel, shape(blocks), stream, program, iterations);
}

}  // namespace kantor::cuda
