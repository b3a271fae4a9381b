#include <algorithm>
#include <limits>
#include <type_traits>

#include "ops/gather/gather.h"

namespace kantor::KANTOR_ISA {

namespace {

constexpr int64_t kTaskBytes = 64 << 10;  // of output: a few microseconds

// The rows of a batch lie anywhere in a data set larger than any cache, and the processor cannot guess the next: so many rows
// ahead are asked for while one is converted.
constexpr int64_t kRowsAhead = 6;
constexpr int64_t kLine = 64;

template <class From, class To>
void gather_row(const From* __restrict from, To* __restrict to, int64_t width, float scale, float shift) {
  if constexpr (std::is_same_v<To, int32_t>)
    for (int64_t j = 0; j < width; ++j) to[j] = from[j];
  else
    for (int64_t j = 0; j < width; ++j) to[j] = static_cast<float>(from[j]) * scale + shift;
}

template <class From, class To>
void plan_gather(const Node& node, Plan& plan) {
  const Tensor &data = node.in[0], &out = node.out[0];
  int64_t width = data.dims[1], n = out.dims[0];
  int64_t rows = std::clamp<int64_t>(kTaskBytes / (width * 4), 1, n);
  plan.phase(static_cast<int>((n + rows - 1) / rows),
             [from = data.as<From>(), indices = node.in[1].as<int32_t>(), to = out.as<To>(), count = data.dims[0],
              width, n, rows, scale = node.attribute_f32(0), shift = node.attribute_f32(1)](int task, std::byte*) {
               constexpr To kMissing = std::is_same_v<To, int32_t> ? To(-1) : std::numeric_limits<To>::quiet_NaN();
               int64_t begin = task * rows, end = std::min(n, (task + 1) * rows);
               auto is_there = [=](int64_t i) { return indices[i] >= 0 && indices[i] < count; };
               auto ask_for = [=](int64_t i) {
                 if (i >= end || !is_there(i)) return;
                 auto* row = reinterpret_cast<const char*>(from + indices[i] * width);
                 int64_t bytes = width * static_cast<int64_t>(sizeof(From));
                 for (int64_t at = 0; at < bytes; at += kLine) __builtin_prefetch(row + at);
               };
               for (int64_t i = begin; i < begin + kRowsAhead; ++i) ask_for(i);
               for (int64_t i = begin; i < end; ++i) {
                 ask_for(i + kRowsAhead);
                 if (is_there(i))
                   gather_row(from + indices[i] * width, to + i * width, width, scale, shift);
                 else
                   std::fill_n(to + i * width, width, kMissing);
               }
             });
}

}  // namespace

void prepare_gather(const Node& node, Plan& plan) {
  bool integer = node.out[0].dtype == DType::i32;
  switch (node.in[0].dtype) {
    case DType::u8:
      return integer ? plan_gather<uint8_t, int32_t>(node, plan) : plan_gather<uint8_t, float>(node, plan);
    case DType::i32:
      return integer ? plan_gather<int32_t, int32_t>(node, plan) : plan_gather<int32_t, float>(node, plan);
    default: return plan_gather<float, float>(node, plan);
  }
}

}  // namespace kantor::KANTOR_ISA
