#include "ops/rate_schedule/rate_schedule.h"

#include "ops/operands.h"

namespace kantor {

void validate_rate_schedule(const Node& node) {
  node.expect_operands(3, 1);
  expect_attributes(node, 2);
  const Tensor &hyper = node.in[0], &out = node.out[0];
  expect_real(node, hyper, out.dtype, "the hyper-parameters");
  expect_real(node, node.in[2], out.dtype, "the schedule");
  node.expect_dtype(node.in[1], DType::i64, "the counter");
  node.expect_shape(hyper, {8}, "the hyper-parameters");
  node.expect_shape(node.in[1], {1}, "the counter");
  node.expect_shape(node.in[2], {2}, "the schedule");
  node.expect_shape(out, {8}, "the output");
  if (node.attributes[0] < 0 || node.attributes[0] > 1)
    node.reject("there is no kind of schedule %lld; expected 0 (linear) or 1 (cosine)",
                static_cast<long long>(node.attributes[0]));
  if (node.attributes[1] < 1)
    node.reject("an epoch of %lld iterations; expected at least 1", static_cast<long long>(node.attributes[1]));
  for (const Tensor& in : node.in) expect_apart(node, out, in, "the output and an input");
}

void reference_rate_schedule(const Node& node) {
  const Tensor &hyper = node.in[0], &schedule = node.in[2], &out = node.out[0];
  const double iterations = static_cast<double>(*node.in[1].as<int64_t>());
  const double factor = rate_factor(static_cast<RateSchedule>(node.attributes[0]), iterations,
                                    schedule.get(0) * static_cast<double>(node.attributes[1]), schedule.get(1));
  for (int64_t i = 0; i < kHyperCount; ++i) out.set(i, scheduled_hyper(i, hyper.get(i), factor, iterations));
}

}  // namespace kantor
