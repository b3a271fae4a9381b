package dev.kantor.metrics;

import java.util.Arrays;

/**
 * How many samples a judge takes for each class.
 *
 * @param counts by class
 */
public record ClassHistogram(long[] counts) {
  /** A class that has less than a tenth of its fair share counts as lost. */
  public static final double COVERED_SHARE = 0.1;

  public ClassHistogram {
    counts = counts.clone();
    if (counts.length == 0 || Arrays.stream(counts).anyMatch(c -> c < 0)) {
      throw new IllegalArgumentException(
          "expected a number of at least 0 for each class: " + Arrays.toString(counts));
    }
  }

  /**
   * Counts classes.
   *
   * @param classes each in [0, number), or {@code number} or more for none of them, which is not
   *     counted
   */
  public static ClassHistogram of(int[] classes, int number) {
    long[] counts = new long[number];
    for (int c : classes) {
      if (c < number) {
        counts[c]++;
      }
    }
    return new ClassHistogram(counts);
  }

  /** All that were counted. */
  public long total() {
    return Arrays.stream(counts).sum();
  }

  /**
   * How many classes have at least {@code share} of what each would have if all were equal: the
   * modes that were not dropped.
   */
  public int covered(double share) {
    double least = Math.max(share * total() / counts.length, Double.MIN_VALUE);
    return (int) Arrays.stream(counts).filter(c -> c >= least).count();
  }

  /**
   * The divergence of the shares p from equal ones, KL(p || u) = sum p log(p n), in nats: 0 where
   * all n classes are equal, log n where there is one only. (Metz et al. 2017 compare modes so.)
   *
   * @return NaN if nothing was counted
   */
  public double divergenceFromUniform() {
    double total = total();
    double sum = 0;
    for (long c : counts) {
      double p = c / total;
      sum += c == 0 && total > 0 ? 0 : p * Math.log(p * counts.length);
    }
    return sum;
  }
}
