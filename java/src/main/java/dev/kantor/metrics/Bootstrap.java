package dev.kantor.metrics;

import dev.kantor.data.SplitMix;
import java.util.Arrays;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/**
 * Intervals by resampling with replacement (Efron 1979): how much a figure would vary over other
 * samples of the same source.
 *
 * @param resamples how often a set is drawn again
 * @param seed of the draws; the same seed gives the same intervals
 */
public record Bootstrap(int resamples, long seed) {
  /** What share of the resampled figures an interval holds. */
  public static final double LEVEL = 0.95;

  /** So many standard deviations of a normal distribution on either side hold that share. */
  private static final double DEVIATIONS = 1.96;

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
      figures[r] = figure.applyAsDouble(draw(r, rows));
    }
    Arrays.sort(figures);
    double tail = (1 - LEVEL) / 2;
    return new Interval(quantile(figures, tail), quantile(figures, 1 - tail));
  }

  /**
   * The interval of a figure that is not free of bias: as wide as the resampled figures are spread,
   * but around the figure itself (Efron, Tibshirani 1993, section 13.3). A distance of
   * distributions is the larger the fewer different samples there are, and a resample has fewer, so
   * that the percentiles may all lie above it.
   *
   * @param figure as in {@link #of}; asked by several threads at once
   * @param value of the samples themselves; the interval ends at 0
   */
  public Interval around(double value, int count, ToDoubleFunction<int[]> figure) {
    double[] figures =
        IntStream.range(0, resamples)
            .parallel()
            .mapToDouble(r -> figure.applyAsDouble(draw(r, new int[count])))
            .toArray();
    double mean = Arrays.stream(figures).average().orElseThrow();
    double variance = Arrays.stream(figures).map(f -> (f - mean) * (f - mean)).sum();
    double half = DEVIATIONS * Math.sqrt(variance / (resamples - 1));
    return new Interval(Math.max(0, value - half), value + half);
  }

  private int[] draw(int resample, int[] rows) {
    SplitMix random = new SplitMix(seed, resample);
    for (int i = 0; i < rows.length; i++) {
      rows[i] = random.below(rows.length);
    }
    return rows;
  }

  /** Interpolates between the two nearest of ascending numbers. */
  private static double quantile(double[] ascending, double share) {
    double at = share * (ascending.length - 1);
    int below = (int) at;
    int above = Math.min(below + 1, ascending.length - 1);
    return ascending[below] + (at - below) * (ascending[above] - ascending[below]);
  }
}
