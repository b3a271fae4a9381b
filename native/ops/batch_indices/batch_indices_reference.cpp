#include "ops/batch_indices/batch_indices.h"
#include "ops/batch_indices/permute.h"
#include "ops/operands.h"

namespace kantor {

void validate_batch_indices(const Node& node) {
  node.expect_operands(2, 1);
  expect_attributes(node, 3);
  expect_random_step(node, 1);
  node.expect_dtype(node.out[0], DType::i32, "the output");
  long long count = node.attributes[0], n = node.out[0].count();
  if (count < 1 || count > INT32_MAX) node.reject("count %lld is not in [1, 2^31)", count);
  if (n < 1 || n > count)
    node.reject("the output is %s but the data has %lld samples; choose a batch of 1 to %lld",
                node.out[0].describe().c_str(), count, count);
}

void reference_batch_indices(const Node& node) {
  int32_t* out = node.out[0].as<int32_t>();
  uint64_t n = static_cast<uint64_t>(node.out[0].count()), count = static_cast<uint64_t>(node.attributes[0]);
  uint64_t seed = static_cast<uint64_t>(*node.in[0].as<int64_t>());
  uint64_t batch = random_step(*node.in[1].as<int64_t>(), node.attributes[1], node.attributes[2]);
  uint64_t per_epoch = count / n, epoch = batch / per_epoch, first = batch % per_epoch * n;
  for (uint64_t i = 0; i < n; ++i)
    out[i] = static_cast<int32_t>(
        permute(static_cast<uint32_t>(first + i), seed, epoch, static_cast<uint32_t>(count)));
}

}  // namespace kantor
