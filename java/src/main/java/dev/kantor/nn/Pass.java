package dev.kantor.nn;

import dev.kantor.graph.Trace;
import dev.kantor.graph.Value;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;

/** The forward passes of one update: all see the networks in the same state. */
public final class Pass {
  private final Trace trace;
  private final boolean training;
  private final Map<Object, Value> shared = new HashMap<>();

  private Pass(Trace trace, boolean training) {
    this.trace = Objects.requireNonNull(trace, "trace");
    this.training = training;
  }

  public static Pass training(Trace trace) {
    return new Pass(trace, true);
  }

  public static Pass evaluation(Trace trace) {
    return new Pass(trace, false);
  }

  /** Where they are written. */
  public Trace trace() {
    return trace;
  }

  /**
   * Whether batch norm uses the batch's statistics and updates its running ones, and dropout drops;
   * else they use what training left.
   */
  public boolean training() {
    return training;
  }

  /** A value that a module makes in its first forward pass, and uses again in the others. */
  Value once(Module module, Supplier<Value> make) {
    return shared.computeIfAbsent(module, m -> make.get());
  }
}
