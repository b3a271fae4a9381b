// How a kernel reads an operand of a convolution: a tensor as it lies, or what a prologue makes of it (conv2d.h).
#pragma once
#include "ops/conv2d/conv2d.h"
#include "ops/pointwise/pointwise_device.h"

namespace kantor::cuda {

// A prologue, in the device's memory: an epilogue and two of these would not fit a kernel's arguments. As a table of
// run_program it has no stores.
struct DevicePrologue {
  const PwPlace* operands;
  const PwInstruction* code;
  float* const* stores;  // null
  int rows, cols, length;
  int result;  // the register; -1: nothing to do

  static DevicePrologue of(const Node& node, const ConvPrologue& prologue, Recorder& r) {
    DevicePrologue p = {};
    p.result = prologue.result;
    if (p.result < 0) return p;
    with_table(node, prologue.program, prologue.first_in, 0, [&](const auto& table) {
      p.operands = r.constants(
          std::vector<PwPlace>(table.operands, table.operands + std::max<size_t>(1, prologue.program.operands.size())));
      p.code = r.constants(std::vector<PwInstruction>(table.code, table.code + table.length));
      p.rows = table.rows, p.cols = table.cols, p.length = table.length;
    });
    return p;
  }

  // values: the tensor's elements at `at`, 0 outside, and 0 remains there.
  template <int kElements>
  __device__ __forceinline__ void apply(const PwElement (&at)[kElements], float (&values)[kElements]) const {
    if (result < 0) return;
    PwRegisters<kElements> registers = {};
    run_program(*this, at, values, registers);
#pragma unroll
    for (int e = 0; e < kElements; ++e) values[e] = at[e].live ? registers[result][e] : 0;
  }
};

// Where there is none, so that its kernels have no trace of it.
struct NoPrologue {
  template <int kElements>
  __device__ __forceinline__ void apply(const PwElement (&)[kElements], float (&)[kElements]) const {}
};

}  // namespace kantor::cuda
