package dev.kantor.compare;

import java.util.Arrays;
import java.util.Collection;
import java.util.Locale;

/**
 * What several seeds give of one figure.
 *
 * @param count how many seeds gave a number
 * @param mean NaN if none did
 * @param deviation the standard deviation over the seeds, of a sample; NaN for fewer than two
 * @param low the least
 * @param high the largest
 */
public record Spread(int count, double mean, double deviation, double low, double high) {
  private static final double SMALL = 1e-3;

  /** The spread of those values that are numbers. */
  public static Spread of(Collection<Double> values) {
    double[] v =
        values.stream().mapToDouble(Double::doubleValue).filter(x -> !Double.isNaN(x)).toArray();
    double mean = Arrays.stream(v).average().orElse(Double.NaN);
    double squares = Arrays.stream(v).map(x -> (x - mean) * (x - mean)).sum();
    return new Spread(
        v.length,
        mean,
        v.length < 2 ? Double.NaN : Math.sqrt(squares / (v.length - 1)),
        Arrays.stream(v).min().orElse(Double.NaN),
        Arrays.stream(v).max().orElse(Double.NaN));
  }

  /** Whether there is a number at all. */
  public boolean exists() {
    return count > 0;
  }

  /** Whether every seed's number is less than every seed's of another. */
  public boolean isBelow(Spread other) {
    return high < other.low;
  }

  /** As in {@code 12.3 ± 0.4}; without the deviation for one seed. */
  @Override
  public String toString() {
    if (count == 0) {
      return "–";
    }
    return count < 2 ? number(mean) : number(mean) + " ± " + number(deviation);
  }

  /** A number with about three digits. */
  public static String number(double value) {
    double size = Math.abs(value);
    if (!Double.isFinite(value)) {
      return "–";
    }
    if (size >= 1e6) {
      return String.format(Locale.ROOT, "%.3g", value);
    }
    if (size >= 1000 || value == Math.rint(value)) {
      return String.format(Locale.ROOT, "%,.0f", value);
    }
    if (size < SMALL && size > 0) {
      return String.format(Locale.ROOT, "%.1e", value);
    }
    return String.format(
        Locale.ROOT,
        size >= 100 ? "%.0f" : size >= 10 ? "%.1f" : size >= 1 ? "%.2f" : "%.3f",
        value);
  }
}
