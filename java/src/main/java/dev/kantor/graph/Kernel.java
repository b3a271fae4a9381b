package dev.kantor.graph;

import java.util.List;

/**
 * One instruction of a lowered program, over values.
 *
 * @param op as in ops.def
 * @param label for listings: the ops it stands for
 * @param inputs operands in the order of the op's contract
 * @param outputs operands in the order of the op's contract
 * @param updates for each output, the input value whose memory it takes over, or null
 * @param after values that must exist first, though they are not read
 * @param guarded skipped once the fault flag is set
 * @param flops arithmetic operations
 * @param precision of its products
 */
record Kernel(
    String op,
    String label,
    List<Value> inputs,
    List<Value> outputs,
    List<Value> updates,
    List<Value> after,
    long[] attributes,
    boolean guarded,
    long flops,
    Precision precision) {

  /** In fp32. */
  Kernel(
      String op,
      String label,
      List<Value> inputs,
      List<Value> outputs,
      List<Value> updates,
      List<Value> after,
      long[] attributes,
      boolean guarded,
      long flops) {
    this(op, label, inputs, outputs, updates, after, attributes, guarded, flops, Precision.FP32);
  }

  /** The same in another precision. */
  Kernel in(Precision other) {
    return new Kernel(
        op, label, inputs, outputs, updates, after, attributes, guarded, flops, other);
  }

  /** Bytes read and written if every operand crosses the memory bus once. */
  long bytes() {
    return inputs.stream().distinct().mapToLong(v -> v.spec().bytes()).sum()
        + outputs.stream().mapToLong(v -> v.spec().bytes()).sum();
  }
}
