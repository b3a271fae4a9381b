package dev.kantor.report;

import java.util.Objects;

/**
 * Named values over x, in the order of x. NaN and infinite values leave a gap.
 *
 * @param x as many as y
 */
public record Series(String name, double[] x, double[] y) {
  public Series {
    Objects.requireNonNull(name);
    if (x.length != y.length) {
      throw new IllegalArgumentException(name + ": " + x.length + " x but " + y.length + " y");
    }
    x = x.clone();
    y = y.clone();
  }
}
