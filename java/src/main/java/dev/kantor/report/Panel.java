package dev.kantor.report;

/** One plot of a {@link Figure}. */
public sealed interface Panel permits LinePlot, Histogram, Scatter {
  /** Draws the plot into a part of the canvas. */
  void draw(Canvas canvas, Area area);

  /** A rectangle of the canvas, in pixels. */
  record Area(double left, double top, double right, double bottom) {}

  /** What is written around a plot. */
  record Labels(String title, String x, String y) {}
}
