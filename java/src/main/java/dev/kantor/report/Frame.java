package dev.kantor.report;

import dev.kantor.report.Canvas.Align;
import java.util.List;

/**
 * The part of a panel that all plots share: title, axes, ticks, legend; and the way from values to
 * pixels.
 */
final class Frame {
  private static final double TITLE = 11;
  private static final double TEXT = 8.5;
  private static final double MARGIN = 14;
  private static final double TICK_WIDTH = 62;
  private static final double X_TICK_EVERY = 95;
  private static final double Y_TICK_EVERY = 42;

  final double left;
  final double top;
  final double right;
  final double bottom;
  private final Canvas canvas;
  private final Axis x;
  private final Axis y;

  private Frame(
      Canvas canvas, Axis x, Axis y, double left, double top, double right, double bottom) {
    this.canvas = canvas;
    this.x = x;
    this.y = y;
    this.left = left;
    this.top = top;
    this.right = right;
    this.bottom = bottom;
  }

  /** Draws everything around the plot into the given part of the canvas. */
  static Frame draw(Canvas canvas, Panel.Area area, Panel.Labels labels, Axis x, Axis y) {
    Frame frame =
        new Frame(
            canvas,
            x,
            y,
            area.left() + MARGIN + TEXT + 8 + TICK_WIDTH,
            area.top() + MARGIN + TITLE + 16,
            area.right() - MARGIN - 8,
            area.bottom() - MARGIN - 2 * TEXT - 20);
    canvas.text(
        labels.title(), frame.left, area.top() + MARGIN + TITLE, TITLE, Align.LEFT, Colour.INK);
    canvas.text(
        labels.x(),
        (frame.left + frame.right) / 2,
        area.bottom() - MARGIN,
        TEXT,
        Align.CENTRE,
        Colour.QUIET);
    canvas.textUp(
        labels.y(),
        area.left() + MARGIN + TEXT,
        (frame.top + frame.bottom) / 2,
        TEXT,
        Align.CENTRE,
        Colour.QUIET);
    for (Axis.Tick tick : y.ticks((int) ((frame.bottom - frame.top) / Y_TICK_EVERY))) {
      double at = Math.round(frame.toY(tick.value()));
      canvas.fill(frame.left, at, frame.right, at + 1, Colour.RULE);
      canvas.text(tick.label(), frame.left - 9, at + TEXT / 2, TEXT, Align.RIGHT, Colour.INK);
    }
    for (Axis.Tick tick : x.ticks((int) ((frame.right - frame.left) / X_TICK_EVERY))) {
      double at = Math.round(frame.toX(tick.value()));
      canvas.fill(at, frame.top, at + 1, frame.bottom, Colour.RULE);
      canvas.fill(at, frame.bottom, at + 1, frame.bottom + 5, Colour.QUIET);
      canvas.text(tick.label(), at, frame.bottom + 10 + TEXT, TEXT, Align.CENTRE, Colour.INK);
    }
    canvas.fill(frame.left, frame.bottom, frame.right, frame.bottom + 1, Colour.QUIET);
    canvas.fill(frame.left - 1, frame.top, frame.left, frame.bottom + 1, Colour.QUIET);
    return frame;
  }

  /** Names the series to the right of the title. */
  void legend(List<String> names) {
    double at = right;
    for (int i = names.size() - 1; i >= 0; i--) {
      at -= Canvas.textWidth(names.get(i), TEXT);
      canvas.text(names.get(i), at, top - 10, TEXT, Align.LEFT, Colour.INK);
      at -= 26;
      canvas.stroke(
          new double[] {at, top - 10 - TEXT / 2, at + 18, top - 10 - TEXT / 2},
          2.6,
          Colour.series(i));
      at -= 18;
    }
  }

  double toX(double value) {
    return left + (right - left) * x.position(value);
  }

  double toY(double value) {
    return bottom - (bottom - top) * y.position(value);
  }

  boolean shows(double valueX, double valueY) {
    return Axis.shows(valueX, x.logarithmic()) && Axis.shows(valueY, y.logarithmic());
  }
}
