package dev.kantor.report;

import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * Points of the plane in two equally scaled directions.
 *
 * @param labels title and names of the axes
 * @param reach both axes show [-reach, reach]; points outside are left out
 * @param under a function shaded below the points, over the same square
 * @param series each a cloud in its own colour, the first lowest
 */
public record Scatter(Labels labels, double reach, Optional<Field> under, List<Series> series)
    implements Panel {
  private static final double DOT = 2.2;

  public Scatter {
    series = List.copyOf(series);
    Objects.requireNonNull(under);
    if (!(reach > 0) || Double.isInfinite(reach)) {
      throw new IllegalArgumentException("the reach must be positive: " + reach);
    }
  }

  /** Points with nothing below. */
  public Scatter(Labels labels, double reach, List<Series> series) {
    this(labels, reach, Optional.empty(), series);
  }

  @Override
  public void draw(Canvas canvas, Area area) {
    Axis both = new Axis(-reach, reach, false);
    // Room for the text beside and above the square plot, as Frame takes it.
    double side = Math.min(area.right() - area.left() - 115, area.bottom() - area.top() - 92);
    Area square =
        new Area(area.left(), area.top(), area.left() + side + 115, area.top() + side + 92);
    Frame frame = Frame.draw(canvas, square, labels, both, both);
    under.ifPresent(field -> field.draw(canvas, frame.left, frame.top, frame.right, frame.bottom));
    for (int i = 0; i < series.size(); i++) {
      Series s = series.get(i);
      for (int j = 0; j < s.x().length; j++) {
        if (Math.abs(s.x()[j]) <= reach && Math.abs(s.y()[j]) <= reach) {
          canvas.stroke(
              new double[] {frame.toX(s.x()[j]), frame.toY(s.y()[j])}, DOT, Colour.series(i));
        }
      }
    }
    frame.legend(series.stream().map(Series::name).toList());
  }
}
