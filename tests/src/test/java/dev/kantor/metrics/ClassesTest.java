package dev.kantor.metrics;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.kantor.data.SplitMix;
import java.util.Arrays;
import java.util.function.ToDoubleFunction;
import org.junit.jupiter.api.Test;

/** Histograms of classes, and intervals. */
class ClassesTest {
  @Test
  void countsClassesAndLeavesOutWhatIsNone() {
    ClassHistogram h = ClassHistogram.of(new int[] {0, 2, 2, 3, 1, 4, 2}, 4);
    assertArrayEquals(new long[] {1, 1, 3, 1}, h.counts());
    assertEquals(6, h.total());
  }

  @Test
  void coverageAndDivergenceAreAsByHand() {
    ClassHistogram h = new ClassHistogram(new long[] {10, 0, 10, 20});
    assertEquals(3, h.covered(0.1));
    assertEquals(1, h.covered(1.5));
    assertEquals(0.5 * Math.log(2), h.divergenceFromUniform(), 1e-15);
    assertEquals(0, new ClassHistogram(new long[] {7, 7, 7}).divergenceFromUniform(), 1e-15);
    assertEquals(
        Math.log(10), ClassHistogram.of(new int[] {3, 3, 3}, 10).divergenceFromUniform(), 1e-15);
    // Nine of a thousand are less than a tenth of a fair hundred, ten are not.
    long[] counts = {9, 10, 981, 0, 0, 0, 0, 0, 0, 0};
    assertEquals(2, new ClassHistogram(counts).covered(ClassHistogram.COVERED_SHARE));
    ClassHistogram nothing = new ClassHistogram(new long[3]);
    assertEquals(0, nothing.covered(0.1));
    assertTrue(Double.isNaN(nothing.divergenceFromUniform()));
    assertThrows(IllegalArgumentException.class, () -> new ClassHistogram(new long[] {1, -1}));
  }

  @Test
  void intervalsAreThoseOfTheory() {
    SplitMix random = new SplitMix(1, 0);
    double[] values = new double[400];
    Arrays.setAll(values, i -> random.normal());
    double mean = Arrays.stream(values).average().orElseThrow();
    double variance = Arrays.stream(values).map(v -> (v - mean) * (v - mean)).sum() / 399;
    Bootstrap.Interval interval = new Bootstrap(2000, 1).mean(values);
    double half = 1.96 * Math.sqrt(variance / 400);
    assertEquals(mean - half, interval.low(), 0.15 * half);
    assertEquals(mean + half, interval.high(), 0.15 * half);
    assertEquals(new Bootstrap.Interval(3, 3), new Bootstrap(10, 1).mean(new double[] {3, 3, 3}));
  }

  @Test
  void anIntervalAroundABiasedFigureHoldsIt() {
    SplitMix random = new SplitMix(2, 0);
    double[] values = new double[400];
    Arrays.setAll(values, i -> random.normal());
    // The square of the mean: resampled it is larger by the mean's variance, 1 / 400.
    ToDoubleFunction<int[]> figure =
        rows -> {
          double mean = Arrays.stream(rows).mapToDouble(i -> values[i]).average().orElseThrow();
          return mean * mean;
        };
    int[] all = new int[400];
    Arrays.setAll(all, i -> i);
    double value = figure.applyAsDouble(all);
    Bootstrap.Interval interval = new Bootstrap(200, 1).around(value, 400, figure);
    assertTrue(interval.low() <= value && value < interval.high(), interval.toString());
    assertEquals(interval, new Bootstrap(200, 1).around(value, 400, figure));
    // By hand: a mean whose standard deviation is that of one value over the root of their number.
    ToDoubleFunction<int[]> shifted =
        rows -> 5 + Arrays.stream(rows).mapToDouble(i -> values[i]).average().orElseThrow();
    Bootstrap.Interval of = new Bootstrap(2000, 1).around(5, 400, shifted);
    assertEquals(5 - 1.96 / 20, of.low(), 0.01);
    assertEquals(5 + 1.96 / 20, of.high(), 0.01);
    assertEquals(
        new Bootstrap.Interval(1, 1), new Bootstrap(5, 1).around(1, 3, rows -> 7), "no spread");
  }

  @Test
  void theSeedDecidesAnInterval() {
    double[] values = {1, 2, 3, 4, 5, 6, 7};
    Bootstrap.Interval a = new Bootstrap(50, 1).mean(values);
    assertEquals(a, new Bootstrap(50, 1).mean(values));
    assertNotEquals(a, new Bootstrap(50, 2).mean(values));
    assertThrows(IllegalArgumentException.class, () -> new Bootstrap(1, 1));
  }
}
