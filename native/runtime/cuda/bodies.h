// Lists of bodies (recorder.h), of which a kernel picks one by its number, and the list of those that are not products.
#pragma once
#include <algorithm>
#include <type_traits>

#include "ops/batch_indices/batch_indices_body.h"
#include "ops/copy/copy_body.h"
#include "ops/counter_add/counter_add_body.h"
#include "ops/gather/gather_body.h"
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

namespace kantor::cuda {

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
struct BodyList {
  static constexpr int kCount = sizeof...(Bodies);
  static constexpr size_t kSharedBytes = std::max({shared_bytes<typename Widened<Bodies>::Type::Shared>()...});
  static constexpr int kThreads[] = {Widened<Bodies>::Type::kThreads...};
  // By its key; -1 for others.
  static int number(const void* key) {
    static const void* const keys[] = {&body_key<Bodies>...};
    const void* const* found = std::find(keys, keys + kCount, key);
    return found == keys + kCount ? -1 : static_cast<int>(found - keys);
  }
};

template <class... Lists>
struct Joined;
template <class... A>
struct Joined<BodyList<A...>> {
  using Type = BodyList<A...>;
};
template <class... A, class... B, class... Rest>
struct Joined<BodyList<A...>, BodyList<B...>, Rest...> {
  using Type = typename Joined<BodyList<A..., B...>, Rest...>::Type;
};

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
struct Numbered<i, BodyList<Bodies...>> {
  using Type = typename Widened<typename At<i, Bodies...>::Type>::Type;
};

// Calls run(std::type_identity<Body>()) with the body of that number.
template <class Bodies, int low, int high, class Run>
__device__ __forceinline__ void with_body(unsigned number, const Run& run) {
  if constexpr (high - low == 1) {
    run(std::type_identity<typename Numbered<low, Bodies>::Type>());
  } else {
    constexpr int middle = (low + high) / 2;
    if (number < middle)
      with_body<Bodies, low, middle>(number, run);
    else
      with_body<Bodies, middle, high>(number, run);
  }
}

// What training and sampling a dense network takes beside products.
using OtherBodies =
    BodyList<CountIterationBody, CounterAddBody, RateScheduleBody, RingWriteBody, BatchIndicesBody, NormalBody, UniformBody,
             GatherBody<uint8_t, float>, GatherBody<float, float>, GatherBody<uint8_t, int32_t>,
             GatherBody<int32_t, int32_t>, CopyBody<uint32_t>, CopyBody<uint64_t>, FillZeroBody<uint32_t>,
             FillZeroBody<uint64_t>, PointwiseBody<1, SmallPw>, PointwiseBody<4, SmallPw>, SumByWarpBody<SmallPw>,
             SumBody<SmallPw>, SumColumnsBody<SmallPw>, RowPenaltyBody,
             GradientNormsBody, OptimizerBody<OptimizerKind::adam, false>, OptimizerBody<OptimizerKind::adam, true>,
             OptimizerBody<OptimizerKind::rmsprop, false>, OptimizerBody<OptimizerKind::rmsprop, true>,
             OptimizerBody<OptimizerKind::sgd, false>, OptimizerBody<OptimizerKind::sgd, true>>;

}  // namespace kantor::cuda
