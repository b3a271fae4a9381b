// The bytes of a program, little-endian, packed, no padding. Java's graph.Lowering writes them, runtime/program.cpp reads them.
//
//   u32 magic 0x5250544B ("KTPR")   u32 version 1
//   u32 slot_count       per slot:  u32 dtype, u64 bytes          the memory handed over for it must be at least that large
//   u64 arena_bytes                 all arena operands lie inside; 64-byte aligned at run time; contents undefined at start
//   u32 fault_slot                  index of the slot i64[4] {code, tensor, iteration, 0}, or 0xFFFFFFFF for none
//   u32 instruction_count
//   per instruction:
//     u16 name_length, name bytes   the op, as in ops/ops.def
//     u32 flags                     bit 0: guarded, skipped while the fault slot's code is not 0 (it writes state)
//                                   bits 1 and 2, of gemm and the convolutions: how a device may round the factors of the
//                                   products that it adds up in float32: 0 fp32 (not at all), 1 tf32, 2 bf16
//     u32 in_count, u32 out_count, u32 attribute_count
//     per operand, inputs first:    u32 slot (0xFFFFFFFF: the arena), u32 dtype, u64 byte offset, u32 rank, i64 dims[rank]
//     i64 attributes[attribute_count]     floats are stored as their 32 bits in the low half
//
// Instructions take effect as if run in order. An instruction may run beside another where neither writes what the other
// touches. Outputs may overlap an input only where the op's contract allows it.
#pragma once
#include <cstdint>

namespace kantor {
constexpr uint32_t kProgramMagic = 0x5250544B;
constexpr uint32_t kProgramVersion = 1;
constexpr uint32_t kArena = 0xFFFFFFFF;
constexpr uint32_t kNoSlot = 0xFFFFFFFF;
constexpr uint32_t kGuarded = 1;
constexpr uint32_t kPrecisionShift = 1, kPrecisionMask = 3;
enum FaultField { kFaultCode = 0, kFaultTensor = 1, kFaultIteration = 2 };
}  // namespace kantor
