package dev.kantor.graph;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * How a device may round the factors of matrix products and convolutions, whose sums are float32 in
 * any case. Everything else of an iteration is float32.
 *
 * <p>A CPU computes in {@link #FP32} alone, and that is the default on every device: a run computes
 * the same there, so that it may go on on any other. On a GPU the others are faster where products
 * are large.
 */
public enum Precision {
  /** As they are. */
  FP32,
  /** To the nearest of 10 bits of mantissa, for tensor cores. */
  TF32,
  /** To the nearest of 7 bits of mantissa, for tensor cores; a gradient penalty is in TF32. */
  BF16;

  /** Ops of ops.def that a precision is given to. */
  private static final Set<String> OPS =
      Set.of("gemm", "conv2d", "conv2d_data_grad", "conv2d_weight_grad", "conv2d_chain");

  /** What the command line calls them. */
  public static List<String> names() {
    return Arrays.stream(values()).map(Precision::toString).toList();
  }

  /**
   * The precision of a name.
   *
   * @throws IllegalArgumentException listing them if there is none
   */
  public static Precision of(String name) {
    return Arrays.stream(values())
        .filter(p -> p.toString().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "there is no precision '"
                        + name
                        + "'; there are "
                        + String.join(", ", names())));
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * The kernels in this precision.
   *
   * <p>What a penalty of a gradient passes back is small beside what it is made of, since the norms
   * that it compares are nearly equal: whatever depends on a penalty through values, not through
   * updates of state, is never in bf16.
   */
  List<Kernel> apply(List<Kernel> kernels) {
    if (this == FP32) {
      return kernels;
    }
    Map<Value, Boolean> ofPenalty = new HashMap<>(); // what kernels make
    List<Kernel> result = new ArrayList<>();
    for (Kernel k : kernels) {
      boolean after = k.inputs().stream().anyMatch(v -> dependsOnPenalty(v, ofPenalty));
      boolean update = k.updates().stream().anyMatch(v -> v != null);
      boolean passesOn = k.op().equals("row_penalty") || after && !update;
      k.outputs().forEach(v -> ofPenalty.put(v, passesOn));
      Precision own = after && this == BF16 ? TF32 : this;
      result.add(OPS.contains(k.op()) ? k.in(own) : k);
    }
    return result;
  }

  /** A value that no kernel makes is another view of what its node takes. */
  private static boolean dependsOnPenalty(Value v, Map<Value, Boolean> made) {
    Boolean known = made.get(v);
    return known != null
        ? known
        : v.node.inputs.stream().anyMatch(in -> dependsOnPenalty(in, made));
  }
}
