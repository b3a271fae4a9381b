package dev.kantor.compare;

import dev.kantor.train.Evaluated;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A figure over the images seen, of all seeds of a contestant together.
 *
 * @param images seen
 * @param mean over the seeds
 * @param low of the seeds
 * @param high of the seeds
 */
public record Curve(double[] images, double[] mean, double[] low, double[] high) {
  /** More points than that are not seen on a page. */
  private static final int MOST_POINTS = 120;

  public Curve {
    images = images.clone();
    mean = mean.clone();
    low = low.clone();
    high = high.clone();
  }

  /** A measure of the evaluations; no points where no run has it. */
  static Curve ofMeasure(Entry entry, String measure) {
    SortedMap<Long, List<Evaluated>> together = new TreeMap<>();
    for (RunResult r : entry.runs()) {
      // The last of each period: of a budget of time, trainings end within one; and after another
      // judge came, some periods have none.
      long period = Math.max(1, r.manifest().schedule().evaluateEvery());
      SortedMap<Long, Evaluated> last = new TreeMap<>();
      r.evaluations().forEach(e -> last.put(Math.ceilDiv(e.iteration(), period), e));
      last.forEach((at, e) -> together.computeIfAbsent(at, _ -> new ArrayList<>()).add(e));
    }
    List<double[]> points = new ArrayList<>();
    for (List<Evaluated> there : together.values()) {
      add(
          points,
          there.stream().mapToLong(Evaluated::samples).average().orElseThrow(),
          there.stream().map(e -> e.value(measure)).toList());
    }
    return of(points);
  }

  /** A column of the metrics, in bins; no points if the variant does not report it. */
  static Curve ofMetric(Entry entry, String column) {
    List<RunResult> runs = entry.runs();
    int rows = runs.stream().mapToInt(r -> r.metrics().rows().size()).min().orElse(0);
    double last =
        runs.stream()
            .flatMap(r -> r.column("samples").stream())
            .mapToDouble(Curve::last)
            .max()
            .orElse(0);
    int bins = Math.clamp(rows, 1, MOST_POINTS);
    List<double[]> binned = new ArrayList<>();
    for (RunResult r : runs) {
      Optional<double[]> values = r.column(column);
      if (values.isPresent()) {
        binned.add(means(r.metrics().column("samples"), values.get(), last, bins));
      }
    }
    List<double[]> points = new ArrayList<>();
    for (int b = 0; b < bins; b++) {
      int bin = b;
      add(points, (b + 0.5) * last / bins, binned.stream().map(means -> means[bin]).toList());
    }
    return of(points);
  }

  private static double last(double[] values) {
    return values.length == 0 ? 0 : values[values.length - 1];
  }

  /** NaN where a bin has nothing. */
  private static double[] means(double[] at, double[] values, double last, int bins) {
    double[] sums = new double[bins];
    int[] counts = new int[bins];
    for (int i = 0; i < at.length; i++) {
      int bin = (int) Math.clamp(Math.ceil(at[i] / last * bins) - 1, 0, bins - 1);
      sums[bin] += values[i];
      counts[bin]++;
    }
    Arrays.setAll(sums, b -> sums[b] / counts[b]);
    return sums;
  }

  private static void add(List<double[]> points, double images, List<Double> values) {
    Spread s = Spread.of(values);
    if (s.exists()) {
      points.add(new double[] {images, s.mean(), s.low(), s.high()});
    }
  }

  private static Curve of(List<double[]> points) {
    return new Curve(
        points.stream().mapToDouble(p -> p[0]).toArray(),
        points.stream().mapToDouble(p -> p[1]).toArray(),
        points.stream().mapToDouble(p -> p[2]).toArray(),
        points.stream().mapToDouble(p -> p[3]).toArray());
  }

  /**
   * The mean of a column between each evaluation and the one before it; NaN where no row lies
   * there.
   */
  static double[] between(RunResult run, String column) {
    double[] samples = run.metrics().column("samples");
    double[] values = run.column(column).orElse(new double[samples.length]);
    double[] means = new double[run.evaluations().size()];
    long from = 0;
    for (int i = 0; i < means.length; i++) {
      long after = from;
      long to = run.evaluations().get(i).samples();
      List<Double> inside = new ArrayList<>();
      for (int row = 0; row < samples.length; row++) {
        if (samples[row] > after && samples[row] <= to) {
          inside.add(values[row]);
        }
      }
      means[i] = Spread.of(inside).mean();
      from = to;
    }
    return means;
  }
}
