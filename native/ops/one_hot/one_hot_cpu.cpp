#include "ops/one_hot/one_hot.h"

#include <algorithm>
#include <cstring>

namespace kantor::KANTOR_ISA {

void prepare_one_hot(const Node& node, Plan& plan) {
  constexpr int64_t kTaskElements = 16384;
  const int64_t rows = node.out[0].dims[0], classes = node.out[0].dims[1];
  const int64_t group = std::max<int64_t>(1, kTaskElements / classes);
  const int32_t* labels = node.in[0].as<int32_t>();
  float* out = node.out[0].f32();
  plan.phase(static_cast<int>((rows + group - 1) / group), [=](int task, std::byte*) {
    const int64_t begin = task * group, end = std::min(rows, begin + group);
    std::memset(out + begin * classes, 0, static_cast<size_t>((end - begin) * classes) * sizeof(float));
    for (int64_t r = begin; r < end; ++r)
      if (labels[r] >= 0 && labels[r] < classes) out[r * classes + labels[r]] = 1;
  });
}

}  // namespace kantor::KANTOR_ISA
