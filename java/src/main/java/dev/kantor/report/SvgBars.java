package dev.kantor.report;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * Bars side by side as SVG, coloured as {@link SvgPlot} is.
 *
 * @param title for people who cannot see it
 * @param colour its number
 * @param heights of the bars, at least 0
 * @param labels below some of the bars; empty strings below the others
 * @param reference a line at this height; NaN: there is none
 */
public record SvgBars(
    String title, int colour, double[] heights, List<String> labels, double reference) {
  private static final int WIDTH = 240;
  private static final int HEIGHT = 110;
  private static final int TOP = 6;
  private static final int BOTTOM = 18;
  private static final int SIDE = 4;

  /** Between wide bars there is a gap. */
  private static final double WIDE = 8;

  public SvgBars {
    heights = heights.clone();
    labels = List.copyOf(labels);
    if (heights.length == 0 || labels.size() != heights.length) {
      throw new IllegalArgumentException(
          heights.length + " bars with " + labels.size() + " labels");
    }
  }

  /** The picture. */
  public String svg() {
    double most =
        Math.max(Arrays.stream(heights).max().orElse(0), Double.isNaN(reference) ? 0 : reference);
    double scale = (HEIGHT - TOP - BOTTOM) / (most > 0 ? most : 1);
    double each = (double) (WIDTH - 2 * SIDE) / heights.length;
    double gap = each >= WIDE ? 2 : 0.4;
    StringBuilder svg = new StringBuilder(Html.svg(WIDTH, HEIGHT, title));
    svg.append(
        String.format(
            Locale.ROOT,
            "<path class=\"rule\" d=\"M%d %dH%d\"/>",
            SIDE,
            HEIGHT - BOTTOM,
            WIDTH - SIDE));
    for (int i = 0; i < heights.length; i++) {
      double height = scale * heights[i];
      svg.append(
          String.format(
              Locale.ROOT,
              "<rect class=\"bar c%d\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\"/>",
              colour,
              SIDE + i * each + gap / 2,
              HEIGHT - BOTTOM - height,
              each - gap,
              height));
      if (!labels.get(i).isEmpty()) {
        String anchor =
            i == 0 && each < WIDE
                ? "start"
                : i == heights.length - 1 && each < WIDE ? "end" : "mid";
        double at =
            switch (anchor) {
              case "start" -> SIDE;
              case "end" -> WIDTH - SIDE;
              default -> SIDE + (i + 0.5) * each;
            };
        svg.append(
            String.format(
                Locale.ROOT,
                "<text class=\"tick %s\" x=\"%.1f\" y=\"%d\">%s</text>",
                anchor,
                at,
                HEIGHT - 4,
                Html.escape(labels.get(i))));
      }
    }
    if (!Double.isNaN(reference)) {
      svg.append(
          String.format(
              Locale.ROOT,
              "<path class=\"reference\" d=\"M%d %.1fH%d\"/>",
              SIDE,
              HEIGHT - BOTTOM - scale * reference,
              WIDTH - SIDE));
    }
    return svg.append("</svg>").toString();
  }
}
