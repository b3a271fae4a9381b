// How a kernel reads an operand of a convolution: a tensor as it lies, or what a prologue makes of it (conv2d.h).
#pragma once
#include "ops/conv2d/conv2d.h"
#include "ops/pointwise/pointwise_device.h"
#include "runtime/cuda/ptx.h"

namespace kantor::cuda {

// A prologue, in the device's memory: an epilogue and two of these would not fit a kernel's arguments. As a table of
// run_program it has no stores.
struct DevicePrologue {
  const PwPlace* operands;
  const PwInstruction* code;
  float* const* stores;  // null
  int rows, cols, length;
  PwForm form;
  int result;  // the register; -1: nothing to do

  static DevicePrologue of(const Node& node, const ConvPrologue& prologue, Recorder& r) {
    DevicePrologue p = {};
    p.result = prologue.result;
    if (p.result < 0) return p;
    with_table(node, prologue.program, prologue.first_in, 0, [&](const auto& table) {
      p.operands = r.constants(
          std::vector<PwPlace>(table.operands, table.operands + std::max<size_t>(1, prologue.program.operands.size())));
      p.code = r.constants(std::vector<PwInstruction>(table.code, table.code + table.length));
      p.rows = table.rows, p.cols = table.cols, p.length = table.length, p.form = table.form;
    }, p.result);
    return p;
  }

  // values: the tensor's elements at `at`, 0 outside, and 0 remains there.
  template <int kElements>
  __device__ __forceinline__ void apply(const PwElement (&at)[kElements], float (&values)[kElements]) const {
    if (result < 0) return;
    float made[kElements];
    run_program(*this, at, values, result, made);
#pragma unroll
    for (int e = 0; e < kElements; ++e) values[e] = at[e].live ? made[e] : 0;
  }
};

// Where there is none, so that its kernels have no trace of it.
struct NoPrologue {};

// Elements on their way from a tensor to shared memory. As they lie they are copied in the background; where a prologue
// makes them of what lies there, they wait in registers.
template <int kElements, class Prologue>
struct SourceElements {
  static constexpr bool kPlain = std::is_same_v<Prologue, NoPrologue>;
  struct Nothing {};
  std::conditional_t<kPlain, Nothing, PwElement[kElements]> at;
  std::conditional_t<kPlain, Nothing, float[kElements]> values;

  // Element v: source[index] to *to, or 0 where it is not live. `place` is where it lies for the prologue.
  __device__ __forceinline__ void load(int v, const float* source, int64_t index, const PwElement& place, float* to) {
    if constexpr (kPlain) {
      copy_async<4>(to, place.live ? source + index : source, place.live ? sizeof(float) : 0);
    } else {
      at[v] = place;
      values[v] = place.live ? source[index] : 0;
    }
  }
  // to(v): where element v goes.
  template <class To>
  __device__ __forceinline__ void store(const Prologue& prologue, const To& to) {
    if constexpr (!kPlain) {
      prologue.apply(at, values);
#pragma unroll
      for (int v = 0; v < kElements; ++v) *to(v) = values[v];
    }
  }
};

}  // namespace kantor::cuda
