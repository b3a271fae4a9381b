package dev.kantor.compare;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/** Statistics by rank, which no scale and no outlier changes. */
final class Ranks {
  private Ranks() {}

  /**
   * Spearman's rank correlation: 1 if one number rises whenever the other does, -1 if it falls.
   *
   * @return NaN for fewer than three pairs, or where one number is always the same
   */
  static double correlation(double[] a, double[] b) {
    if (a.length < 3) {
      return Double.NaN;
    }
    double[] x = ranks(a);
    double[] y = ranks(b);
    double mean = (a.length - 1) / 2.0;
    double xy = 0;
    double xx = 0;
    double yy = 0;
    for (int i = 0; i < a.length; i++) {
      xy += (x[i] - mean) * (y[i] - mean);
      xx += (x[i] - mean) * (x[i] - mean);
      yy += (y[i] - mean) * (y[i] - mean);
    }
    return xx == 0 || yy == 0 ? Double.NaN : xy / Math.sqrt(xx * yy);
  }

  /** From 0; equal values share the mean of their ranks. */
  private static double[] ranks(double[] values) {
    List<Integer> order =
        IntStream.range(0, values.length)
            .boxed()
            .sorted(Comparator.comparingDouble(i -> values[i]))
            .toList();
    double[] ranks = new double[values.length];
    for (int i = 0; i < order.size(); ) {
      int end = i + 1;
      while (end < order.size() && values[order.get(end)] == values[order.get(i)]) {
        end++;
      }
      for (int j = i; j < end; j++) {
        ranks[order.get(j)] = (i + end - 1) / 2.0;
      }
      i = end;
    }
    return ranks;
  }

  /** The value that a share of all lies at or below; NaN of none. */
  static double quantile(List<Double> values, double share) {
    double[] v = values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
    return v.length == 0 ? Double.NaN : v[(int) Math.round(share * (v.length - 1))];
  }

  static double mean(double[] values) {
    return Arrays.stream(values).average().orElse(Double.NaN);
  }
}
