package dev.kantor.parity;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.TestReporter;

/**
 * Holds runs in floats, several draws of them, to {@link #FACTOR} times what libtorch's own floats
 * miss its doubles by, tensor by tensor: the median of the draws against the median, for in one
 * draw in twenty or so rounding decides something of weight, such as the side of a kink, in one of
 * the two programs. What it does then is at most {@link #DECIDED}, in any draw.
 */
final class Gap {
  private static final double FACTOR = 3;

  /** What rounding may do where it decides, relative to the tensor. */
  private static final double DECIDED = 0.03;

  /** Sixteen roundings of a float, relative to the tensor: a miss by less may be luck. */
  private static final double ROUNDINGS = 0x1p-20;

  /**
   * The rounding of a number about 1, for scalars, losses and running means, which may be the
   * difference of such.
   */
  private static final double FLOAT_FLOOR = 0x1p-24;

  private Gap() {}

  /**
   * Compares the tensors that our draws have.
   *
   * @param floats libtorch's, one map a draw
   * @param exact libtorch's in double precision
   */
  static void assertNear(
      String what,
      List<Map<String, double[]>> ours,
      List<Map<String, double[]>> floats,
      List<Map<String, double[]>> exact,
      TestReporter reporter) {
    List<String> beyond = new ArrayList<>();
    TreeMap<Double, String> shares = new TreeMap<>();
    for (String tensor : ours.getFirst().keySet()) {
      double[] distances = new double[ours.size()];
      double[] theirs = new double[ours.size()];
      double[] sizes = new double[ours.size()];
      for (int i = 0; i < ours.size(); i++) {
        double[] expected = exact.get(i).get(tensor);
        distances[i] = distance(ours.get(i).get(tensor), expected);
        theirs[i] = distance(floats.get(i).get(tensor), expected);
        sizes[i] = distance(new double[expected.length], expected);
        if (!(distances[i] <= Math.max(DECIDED * sizes[i], FACTOR * FLOAT_FLOOR))) {
          beyond.add(
              String.format(
                  Locale.ROOT,
                  "draw %d, %s: misses %.2e by %.2e",
                  i,
                  tensor,
                  sizes[i],
                  distances[i]));
        }
      }
      boolean cancels =
          exact.getFirst().get(tensor).length == 1 || tensor.matches(".*(_loss|\\.running_mean)");
      double bound =
          FACTOR
              * Math.max(
                  Math.max(median(theirs), ROUNDINGS * median(sizes)), cancels ? FLOAT_FLOOR : 0);
      shares.put(median(distances) / bound, tensor);
      if (!(median(distances) <= bound)) {
        beyond.add(
            String.format(
                Locale.ROOT,
                "%s: misses %.2e by %.2e, libtorch by %.2e",
                tensor,
                median(sizes),
                median(distances),
                median(theirs)));
      }
    }
    reporter.publishEntry(
        what,
        String.format(
            Locale.ROOT,
            "%.2f of the bound (%s)",
            shares.lastEntry().getKey(),
            shares.lastEntry().getValue()));
    assertTrue(beyond.isEmpty(), () -> what + "\n" + String.join("\n", beyond));
  }

  private static double median(double[] numbers) {
    double[] sorted = numbers.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }

  /** The root of the mean square of a - b. */
  private static double distance(double[] a, double[] b) {
    assertEquals(b.length, a.length);
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += (a[i] - b[i]) * (a[i] - b[i]);
    }
    return Math.sqrt(sum / a.length);
  }
}
