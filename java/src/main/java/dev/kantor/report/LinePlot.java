package dev.kantor.report;

import java.util.Arrays;
import java.util.List;

/**
 * Several series as lines over a common x.
 *
 * @param labels title and names of the axes
 * @param logarithmic whether y is; values that are not positive then leave a gap
 */
public record LinePlot(Labels labels, boolean logarithmic, List<Series> series) implements Panel {
  private static final double THICKNESS = 1.8;

  public LinePlot {
    series = List.copyOf(series);
  }

  @Override
  public void draw(Canvas canvas, Area area) {
    double lowX = Double.POSITIVE_INFINITY;
    double highX = Double.NEGATIVE_INFINITY;
    double lowY = Double.POSITIVE_INFINITY;
    double highY = Double.NEGATIVE_INFINITY;
    for (Series s : series) {
      for (int i = 0; i < s.x().length; i++) {
        if (Axis.shows(s.x()[i], false) && Axis.shows(s.y()[i], logarithmic)) {
          lowX = Math.min(lowX, s.x()[i]);
          highX = Math.max(highX, s.x()[i]);
          lowY = Math.min(lowY, s.y()[i]);
          highY = Math.max(highY, s.y()[i]);
        }
      }
    }
    Axis x = Axis.between(lowX, highX);
    Frame frame = Frame.draw(canvas, area, labels, x, Axis.around(lowY, highY, logarithmic));
    for (int i = 0; i < series.size(); i++) {
      line(canvas, frame, series.get(i), Colour.series(i));
    }
    frame.legend(series.stream().map(Series::name).toList());
  }

  /**
   * Long series are drawn as first, lowest, highest and last value of each pixel column: the same
   * picture, soon.
   */
  private static void line(Canvas canvas, Frame frame, Series series, Colour colour) {
    double[] chain = new double[2 * series.x().length];
    int used = 0;
    int column = Integer.MIN_VALUE;
    int columnStart = 0;
    for (int i = 0; i <= series.x().length; i++) {
      boolean shown = i < series.x().length && frame.shows(series.x()[i], series.y()[i]);
      double px = shown ? frame.toX(series.x()[i]) : Double.NaN;
      if (!shown || (int) px != column) {
        used = thin(chain, columnStart, used);
        column = (int) px;
        columnStart = used;
      }
      if (shown) {
        chain[used++] = px;
        chain[used++] = frame.toY(series.y()[i]);
      } else {
        canvas.stroke(Arrays.copyOf(chain, used), THICKNESS, colour);
        used = 0;
        columnStart = 0;
        column = Integer.MIN_VALUE;
      }
    }
  }

  /** Keeps at most four points of chain[from, to); returns the new end. */
  private static int thin(double[] chain, int from, int to) {
    if (to - from <= 8) {
      return to;
    }
    int low = from;
    int high = from;
    for (int i = from; i < to; i += 2) {
      low = chain[i + 1] < chain[low + 1] ? i : low;
      high = chain[i + 1] > chain[high + 1] ? i : high;
    }
    double[] kept = new double[8];
    int[] order = {from, Math.min(low, high), Math.max(low, high), to - 2};
    for (int i = 0; i < order.length; i++) {
      kept[2 * i] = chain[order[i]];
      kept[2 * i + 1] = chain[order[i] + 1];
    }
    System.arraycopy(kept, 0, chain, from, kept.length);
    return from + kept.length;
  }
}
