package dev.kantor.graph;

import java.util.ArrayList;
import java.util.List;

/**
 * One application of an op. Nodes are in single-assignment form: they never change, and their order
 * is a valid order to run them.
 */
final class Node {
  /** What stands in the way of differentiating through a node. */
  enum Lineage {
    KEPT,
    /** It belongs to a gradient made without createGraph. */
    NOT_CREATED,
    /** A gradient was taken through it without retainGraph. */
    FREED
  }

  final Op op;
  final List<Value> inputs;

  /** Values that must be computed before, though their contents are not used. */
  final List<Value> after;

  final List<Value> outputs;
  Lineage lineage = Lineage.KEPT;

  Node(Op op, List<Value> inputs, List<Value> after) {
    this.op = op;
    this.inputs = List.copyOf(inputs);
    this.after = List.copyOf(after);
    List<Spec> specs = op.infer(this.inputs);
    List<Value> out = new ArrayList<>(specs.size());
    for (int i = 0; i < specs.size(); i++) {
      out.add(new Value(this, i, specs.get(i)));
    }
    this.outputs = List.copyOf(out);
  }

  Node(Op op, List<Value> inputs) {
    this(op, inputs, List.of());
  }

  Value output() {
    return outputs.getFirst();
  }

  @Override
  public String toString() {
    return op + " " + inputs.stream().map(v -> v.spec().toString()).toList();
  }
}
