package dev.kantor.graph;

import java.util.List;
import java.util.Locale;

/**
 * A kind of computation with its attributes. Ops are records, so equal ops on equal inputs are the
 * same computation.
 *
 * <p>The set is closed under differentiation: {@link #gradient} answers in ops of the set, so a
 * gradient is a graph that can be differentiated again.
 */
interface Op {
  /** The field's name for it, as errors and listings show it. */
  default String label() {
    return getClass().getSimpleName().toLowerCase(Locale.ROOT);
  }

  /**
   * Types and shapes of the outputs.
   *
   * @throws IllegalArgumentException naming the op, the shapes and what was expected
   */
  List<Spec> infer(List<Value> inputs);

  /**
   * The derivative of {@code sum_k <output k, g_k>} with respect to each input; null where it is
   * structurally zero.
   *
   * @param g the outputs' cotangents, null where nothing flows in; at least one is not null
   */
  List<Value> gradient(Node node, List<Value> g);

  /** For an op that updates state: the input whose memory output {@code i} takes over, or -1. */
  default int inPlace(int output) {
    return -1;
  }

  /** Whether it updates state, and so must be skipped once the fault flag is set. */
  default boolean isEffect() {
    return false;
  }

  /** Arithmetic operations of one evaluation, as the roofline counts them. */
  default long flops(Node node) {
    return 0;
  }

  static IllegalArgumentException mismatch(String op, String format, Object... args) {
    return new IllegalArgumentException(op + ": " + String.format(Locale.ROOT, format, args));
  }
}
