package dev.kantor.io;

import java.util.Arrays;

/**
 * How much of each pixel is covered by the strokes drawn so far, in [0, 1]: anti-aliased lines with
 * round ends, joined without seams. Pixel (x, y) covers the square from (x, y) to (x + 1, y + 1).
 */
public final class Coverage {
  private final int width;
  private final int height;
  private final float[] values;

  public Coverage(int width, int height) {
    if (width < 1 || height < 1) {
      throw new IllegalArgumentException("a size of " + width + " x " + height);
    }
    this.width = width;
    this.height = height;
    values = new float[Math.multiplyExact(width, height)];
  }

  /** The coverage of pixel (x, y). */
  public float at(int x, int y) {
    return values[y * width + x];
  }

  /**
   * Draws a line from (x0, y0) to (x1, y1); what lies outside is cut off. A line without length is
   * a disc.
   */
  public void line(double x0, double y0, double x1, double y1, double radius) {
    int left = bound(Math.min(x0, x1) - radius - 1, width);
    int right = bound(Math.max(x0, x1) + radius + 1, width);
    int top = bound(Math.min(y0, y1) - radius - 1, height);
    int bottom = bound(Math.max(y0, y1) + radius + 1, height);
    double dx = x1 - x0;
    double dy = y1 - y0;
    double squared = dx * dx + dy * dy;
    for (int y = top; y < bottom; y++) {
      for (int x = left; x < right; x++) {
        double px = x + 0.5 - x0;
        double py = y + 0.5 - y0;
        double t = squared == 0 ? 0 : Math.clamp((px * dx + py * dy) / squared, 0.0, 1.0);
        double ex = px - t * dx;
        double ey = py - t * dy;
        double covered = radius + 0.5 - Math.sqrt(ex * ex + ey * ey);
        if (covered > values[y * width + x]) {
          values[y * width + x] = (float) Math.min(1, covered);
        }
      }
    }
  }

  /** Removes everything inside [left, right) x [top, bottom). */
  public void clear(int left, int top, int right, int bottom) {
    for (int y = Math.max(0, top); y < Math.min(height, bottom); y++) {
      Arrays.fill(
          values,
          y * width + Math.clamp(left, 0, width),
          y * width + Math.clamp(right, 0, width),
          0f);
    }
  }

  private static int bound(double value, int size) {
    return (int) Math.clamp(Math.ceil(value), 0.0, (double) size);
  }
}
