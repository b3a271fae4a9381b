package dev.kantor.report;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.DoubleUnaryOperator;

/**
 * Lines over a common horizontal axis as SVG, for a page of HTML whose style sheet has the colours
 * {@code --s0}, {@code --s1} and so on: it looks right in light and dark.
 *
 * @param title for people who cannot see it
 * @param scale of the vertical axis
 * @param marked whether each point has a mark
 * @param lines those with no points are left out
 */
public record SvgPlot(String title, Scale scale, boolean marked, List<Line> lines) {
  private static final int WIDTH = 400;
  private static final int HEIGHT = 230;
  private static final int LEFT = 46;
  private static final int RIGHT = 18;
  private static final int TOP = 8;
  private static final int BOTTOM = 24;
  private static final int X_TICKS = 5;
  private static final int Y_TICKS = 5;

  /** Of a linear axis: what lies further out than this share of all points is cut off. */
  private static final double OUTLIERS = 0.01;

  private static final double ROOM = 1.05;

  /** A vertical axis. */
  public enum Scale {
    LINEAR,
    /** Linear, with 0 on it. */
    FROM_ZERO,
    LOGARITHMIC
  }

  /**
   * A line, with a band around it where there is one.
   *
   * @param name said when the pointer rests on it
   * @param colour its number
   * @param dashed whether it is
   * @param x rising
   * @param low the lower end of the band
   * @param high the upper end
   */
  public record Line(
      String name,
      int colour,
      boolean dashed,
      double[] x,
      double[] y,
      double[] low,
      double[] high) {
    public Line {
      x = x.clone();
      y = y.clone();
      low = low.clone();
      high = high.clone();
    }
  }

  public SvgPlot {
    lines = List.copyOf(lines);
  }

  private boolean logarithmic() {
    return scale == Scale.LOGARITHMIC;
  }

  /** Whether there is anything to be seen. */
  public boolean isEmpty() {
    return lines.stream().allMatch(l -> l.x.length == 0);
  }

  /** The picture. */
  public String svg() {
    double right =
        lines.stream().mapToDouble(l -> l.x.length == 0 ? 0 : l.x[l.x.length - 1]).max().orElse(0);
    Axis x = right > 0 ? new Axis(0, right, false) : new Axis(0, 1, false);
    Axis y = vertical();
    DoubleUnaryOperator toX = v -> LEFT + (WIDTH - LEFT - RIGHT) * x.position(v);
    DoubleUnaryOperator toY =
        v -> HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * Math.clamp(y.position(v), 0, 1);
    StringBuilder svg = new StringBuilder(Html.svg(WIDTH, HEIGHT, title));
    for (Axis.Tick t : y.ticks(Y_TICKS)) {
      svg.append(
          String.format(
              Locale.ROOT,
              "<path class=\"rule\" d=\"M%d %.1fH%d\"/><text class=\"tick end\" x=\"%d\""
                  + " y=\"%.1f\">%s</text>",
              LEFT,
              toY.applyAsDouble(t.value()),
              WIDTH - RIGHT,
              LEFT - 6,
              toY.applyAsDouble(t.value()) + 4,
              t.label()));
    }
    for (Axis.Tick t : x.ticks(X_TICKS)) {
      double at = toX.applyAsDouble(t.value());
      svg.append(
          String.format(
              Locale.ROOT,
              "<text class=\"tick mid\" x=\"%.1f\" y=\"%d\">%s</text>",
              at,
              HEIGHT - 6,
              count(t.value())));
    }
    for (Line l : lines) {
      append(svg, l, toX, toY);
    }
    return svg.append("</svg>").toString();
  }

  private void append(StringBuilder svg, Line l, DoubleUnaryOperator toX, DoubleUnaryOperator toY) {
    StringBuilder path = new StringBuilder();
    StringBuilder forth = new StringBuilder();
    StringBuilder back = new StringBuilder();
    StringBuilder marks = new StringBuilder();
    for (int i = 0; i < l.x.length; i++) {
      if (!Axis.shows(l.y[i], logarithmic()) || !Axis.shows(l.high[i], logarithmic())) {
        continue;
      }
      double at = toX.applyAsDouble(l.x[i]);
      path.append(point(path.isEmpty() ? 'M' : 'L', at, toY.applyAsDouble(l.y[i])));
      // The least of a band that holds 0 has no logarithm.
      double low = Axis.shows(l.low[i], logarithmic()) ? l.low[i] : l.y[i];
      forth.append(point(forth.isEmpty() ? 'M' : 'L', at, toY.applyAsDouble(l.high[i])));
      back.insert(0, point('L', at, toY.applyAsDouble(low)));
      marks.append(
          String.format(
              Locale.ROOT,
              "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"2.6\"/>",
              at,
              toY.applyAsDouble(l.y[i])));
    }
    if (path.isEmpty()) {
      return;
    }
    svg.append(
        String.format(
            Locale.ROOT, "<g class=\"line c%d%s\">", l.colour, l.dashed ? " dashed" : ""));
    svg.append(Html.element("title", "", Html.escape(l.name)));
    svg.append("<path class=\"band\" d=\"").append(forth).append(back).append("Z\"/>");
    svg.append("<path d=\"").append(path).append("\"/>");
    svg.append(marked ? marks : "").append("</g>");
  }

  private static String point(char command, double x, double y) {
    return String.format(Locale.ROOT, "%c%.1f %.1f", command, x, y);
  }

  private Axis vertical() {
    double[] all =
        lines.stream()
            .flatMapToDouble(l -> Arrays.stream(l.y))
            .filter(v -> Axis.shows(v, logarithmic()))
            .sorted()
            .toArray();
    if (all.length == 0) {
      return Axis.around(Double.NaN, Double.NaN, logarithmic());
    }
    int cut = logarithmic() ? 0 : (int) (OUTLIERS * all.length);
    double high = all[all.length - 1 - cut];
    return scale == Scale.FROM_ZERO && all[0] >= 0
        ? new Axis(0, high > 0 ? ROOM * high : 1, false)
        : Axis.around(all[cut], high, logarithmic());
  }

  /** A number of images, short. */
  private static String count(double n) {
    if (n >= 1e6) {
      return String.format(Locale.ROOT, "%.1fM", n / 1e6).replace(".0M", "M");
    }
    return n >= 1e3
        ? String.format(Locale.ROOT, "%.1fk", n / 1e3).replace(".0k", "k")
        : String.format(Locale.ROOT, "%.0f", n);
  }
}
