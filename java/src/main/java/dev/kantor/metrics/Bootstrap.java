package dev.kantor.metrics;

import dev.kantor.data.SplitMix;
import java.util.Arrays;
import java.util.function.ToDoubleFunction;

/**
 * Percentile intervals by resampling with replacement (Efron 1979): how much a figure would vary
 * over other samples of the same source.
 *
 * @param resamples how often a set is drawn again
 * @param seed of the draws; the same seed gives the same intervals
 */
public record Bootstrap(int resamples, long seed) {
  /** What share of the resampled figures an interval holds. */
  public static final double LEVEL = 0.95;

  /** Enough for the ends of a 95 % interval: 12 figures lie beyond each. */
  public static final int DEFAULT_RESAMPLES = 500;

  public Bootstrap {
    if (resamples < 2) {
      throw new IllegalArgumentException("expected at least 2 resamples, not " + resamples);
    }
  }

  /** The ends of an interval. */
  public record Interval(double low, double high) {}

  /** The interval of a mean. */
  public Interval mean(double[] values) {
    return of(
        values.length,
        rows -> {
          double sum = 0;
          for (int row : rows) {
            sum += values[row];
          }
          return sum / rows.length;
        });
  }

  /**
   * The interval of any figure.
   *
   * @param count how many samples there are
   * @param figure of the samples with these numbers, as many as there are, some more than once;
   *     must not keep the array
   */
  public Interval of(int count, ToDoubleFunction<int[]> figure) {
    double[] figures = new double[resamples];
    int[] rows = new int[count];
    for (int r = 0; r < resamples; r++) {
      SplitMix random = new SplitMix(seed, r);
      for (int i = 0; i < count; i++) {
        rows[i] = random.below(count);
      }
      figures[r] = figure.applyAsDouble(rows);
    }
    Arrays.sort(figures);
    double tail = (1 - LEVEL) / 2;
    return new Interval(quantile(figures, tail), quantile(figures, 1 - tail));
  }

  /** Interpolates between the two nearest of ascending numbers. */
  private static double quantile(double[] ascending, double share) {
    double at = share * (ascending.length - 1);
    int below = (int) at;
    int above = Math.min(below + 1, ascending.length - 1);
    return ascending[below] + (at - below) * (ascending[above] - ascending[below]);
  }
}
