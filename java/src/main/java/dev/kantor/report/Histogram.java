package dev.kantor.report;

import java.util.Arrays;

/**
 * How often values fall into equal bins of [low, high].
 *
 * @param labels title and names of the axes
 * @param logarithmic whether the counts' axis is
 */
public record Histogram(Labels labels, double low, double high, long[] counts, boolean logarithmic)
    implements Panel {
  public Histogram {
    counts = counts.clone();
    if (!(low < high) || counts.length == 0 || Arrays.stream(counts).anyMatch(n -> n < 0)) {
      throw new IllegalArgumentException(
          "a histogram of " + counts.length + " bins from " + low + " to " + high);
    }
  }

  @Override
  public void draw(Canvas canvas, Area area) {
    double most = Math.max(1, Arrays.stream(counts).max().getAsLong());
    double floor = logarithmic ? 0.5 : 0;
    Axis y = new Axis(floor, logarithmic ? most * 2 : most * 1.05, logarithmic);
    Frame frame = Frame.draw(canvas, area, labels, new Axis(low, high, false), y);
    for (int i = 0; i < counts.length; i++) {
      if (counts[i] > 0) {
        double left = frame.toX(low + (high - low) * i / counts.length);
        double right = frame.toX(low + (high - low) * (i + 1) / counts.length);
        double gap = right - left > 4 ? 1 : 0;
        canvas.fill(left, frame.toY(counts[i]), right - gap, frame.bottom, Colour.series(0));
      }
    }
  }

  /** Counts values into bins: what lies outside goes to the first and last, NaN to none. */
  public static Histogram of(Labels labels, double[] values, double low, double high, int bins) {
    long[] counts = new long[bins];
    for (double value : values) {
      if (!Double.isNaN(value)) {
        counts[(int) Math.clamp((value - low) / (high - low) * bins, 0.0, bins - 1.0)]++;
      }
    }
    return new Histogram(labels, low, high, counts, false);
  }
}
