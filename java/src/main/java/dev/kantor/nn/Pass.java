package dev.kantor.nn;

import dev.kantor.graph.Trace;
import java.util.Objects;

/**
 * One forward pass.
 *
 * @param trace where it is written
 * @param training whether batch norm uses the batch's statistics and updates its running ones, and
 *     dropout drops; else they use what training left
 */
public record Pass(Trace trace, boolean training) {
  public Pass {
    Objects.requireNonNull(trace, "trace");
  }

  public static Pass training(Trace trace) {
    return new Pass(trace, true);
  }

  public static Pass evaluation(Trace trace) {
    return new Pass(trace, false);
  }
}
