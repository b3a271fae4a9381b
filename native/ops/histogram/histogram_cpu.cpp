#include <cstring>

#include "ops/histogram/histogram.h"

namespace kantor::KANTOR_ISA {

// Slices count into tables of their own (with a last entry for NaN), which tasks over bins then add. Two tables a
// slice, for even and odd elements: runs of equal bins would otherwise wait for their own stores.
void prepare_histogram(const Node& node, Plan& plan) {
  constexpr int64_t kChunk = 1024, kBinsPerTask = 8192;
  int64_t count = node.in[0].count(), bins = node.out[0].count();
  int64_t slices = count / (32768 + 8 * bins) + 1;
  if (slices > 16) slices = 16;
  int64_t slice = ((count + slices - 1) / slices + kChunk - 1) / kChunk * kChunk;
  double low = static_cast<double>(node.attribute_f32(0)), high = static_cast<double>(node.attribute_f32(1));
  double scale = static_cast<double>(bins) / (high - low), last = static_cast<double>(bins - 1);
  const float* in = node.in[0].f32();
  int64_t* counts = node.out[0].as<int64_t>();
  int64_t table = bins + 1;
  size_t at = plan.scratch(static_cast<size_t>(slices * 2 * table) * sizeof(int64_t));
  plan.phase(static_cast<int>(slices), [=](int task, std::byte* scratch) {
    int64_t* even = reinterpret_cast<int64_t*>(scratch + at) + task * 2 * table;
    int64_t* odd = even + table;
    memset(even, 0, static_cast<size_t>(2 * table) * sizeof(int64_t));
    int64_t end = (task + 1) * slice < count ? (task + 1) * slice : count;
    for (int64_t begin = task * slice; begin < end; begin += kChunk) {
      int32_t bin[kChunk];
      int64_t n = begin + kChunk < end ? kChunk : end - begin;
      for (int64_t i = 0; i < n; ++i) {
        double place = (static_cast<double>(in[begin + i]) - low) * scale;
        double clamped = place < 0 ? 0 : place;
        clamped = clamped > last ? last : clamped;
        bin[i] = static_cast<int32_t>(place == place ? clamped : last + 1);
      }
      int64_t i = 0;
      for (; i + 2 <= n; i += 2) {
        ++even[bin[i]];
        ++odd[bin[i + 1]];
      }
      if (i < n) ++even[bin[i]];
    }
  });
  plan.phase(static_cast<int>((bins + kBinsPerTask - 1) / kBinsPerTask), [=](int task, std::byte* scratch) {
    const int64_t* tables = reinterpret_cast<const int64_t*>(scratch + at);
    int64_t end = (task + 1) * kBinsPerTask < bins ? (task + 1) * kBinsPerTask : bins;
    for (int64_t b = task * kBinsPerTask; b < end; ++b) {
      int64_t sum = 0;
      for (int64_t t = 0; t < 2 * slices; ++t) sum += tables[t * table + b];
      counts[b] = sum;
    }
  });
}

}  // namespace kantor::KANTOR_ISA
