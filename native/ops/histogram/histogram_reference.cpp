#include <cmath>

#include "ops/histogram/histogram.h"
#include "ops/operands.h"

namespace kantor {

void validate_histogram(const Node& node) {
  node.expect_operands(1, 1);
  expect_attributes(node, 2);
  expect_real(node, node.in[0], node.in[0].dtype, "the input");
  node.expect_dtype(node.out[0], DType::i64, "the counts");
  int64_t bins = node.out[0].count();
  if (node.out[0].rank != 1 || bins < 1 || bins > kMaxHistogramBins)
    node.reject("the counts are %s; expected [bins] with 1 to %d bins", node.out[0].describe().c_str(),
                kMaxHistogramBins);
  expect_apart(node, node.out[0], node.in[0], "the counts and the input");
  float low = node.attribute_f32(0), high = node.attribute_f32(1);
  if (!std::isfinite(low) || !std::isfinite(high) || low >= high)
    node.reject("[%g, %g] is no finite interval with low < high", static_cast<double>(low), static_cast<double>(high));
}

void reference_histogram(const Node& node) {
  int64_t* counts = node.out[0].as<int64_t>();
  int64_t bins = node.out[0].count();
  double low = static_cast<double>(node.attribute_f32(0)), high = static_cast<double>(node.attribute_f32(1));
  double scale = static_cast<double>(bins) / (high - low);
  for (int64_t b = 0; b < bins; ++b) counts[b] = 0;
  for (int64_t i = 0, n = node.in[0].count(); i < n; ++i) {
    double place = (node.in[0].get(i) - low) * scale;
    if (std::isnan(place)) continue;
    ++counts[place < 0 ? 0 : place >= static_cast<double>(bins) ? bins - 1 : static_cast<int64_t>(place)];
  }
}

}  // namespace kantor
