package dev.kantor.graph;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** How a unit's chains are written for the convolution that makes its operands with them. */
final class Prologues {
  private static final long NONE = -1;

  private Prologues() {}

  /**
   * The inputs of the unit's convolution as its kernel reads them: in place of what it makes, what
   * it makes that of.
   */
  static List<Value> factors(Node n, Fuse.Unit u) {
    List<Value> factors = new ArrayList<>(n.inputs);
    u.prologues.forEach((i, chain) -> factors.set(i, chain.source()));
    return factors;
  }

  /** The other operands of an input's chain. */
  static List<Value> operands(Fuse.Unit u, int input) {
    return u.prologues.containsKey(input) ? program(u, input).operands() : List.of();
  }

  /** The attributes for an input. */
  static List<Long> words(Fuse.Unit u, int input) {
    if (!u.prologues.containsKey(input)) {
      return List.of(NONE);
    }
    PointProgram p = program(u, input);
    List<Long> words = new ArrayList<>(List.of((long) p.result()));
    words.addAll(p.words());
    return words;
  }

  private static PointProgram program(Fuse.Unit u, int input) {
    return Recompute.program(u.prologues.get(input)).orElseThrow();
  }

  /** For listings: the chains in brackets, before what follows the convolution. */
  static String label(Fuse.Unit u) {
    StringBuilder label = new StringBuilder();
    for (Recompute.Chain c : u.prologues.values()) {
      label.append(label.isEmpty() ? " [" : " | ");
      label.append(
          String.join(
              " ",
              c.nodes().stream()
                  .filter(n -> n.op instanceof Elementwise)
                  .map(n -> n.op.label())
                  .toList()));
    }
    return label.isEmpty() ? "" : label.append(']').toString();
  }

  /** The kernel of a weight gradient. */
  static Kernel weightGrad(Fuse.Unit u) {
    Node n = u.single;
    List<Value> inputs = factors(n, u);
    List<Long> attributes = new ArrayList<>(((Convolution) n.op).geometry().words());
    for (int i : Recompute.madeOperands(n)) {
      inputs.addAll(operands(u, i));
      attributes.addAll(words(u, i));
    }
    return new Kernel(
        "conv2d_weight_grad",
        n.op.label() + label(u),
        inputs,
        n.outputs,
        Collections.nCopies(1, null),
        n.after,
        attributes.stream().mapToLong(Long::longValue).toArray(),
        false,
        u.nodes().stream().mapToLong(x -> x.op.flops(x)).sum());
  }
}
