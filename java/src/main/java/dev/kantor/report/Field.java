package dev.kantor.report;

import java.util.Arrays;

/**
 * A function over a square of the plane, by its values on a raster of cells: the lowest is drawn
 * white, the highest in grey.
 *
 * @param side cells in each direction
 * @param values [side, side], row by row from the lowest y, in each row from the lowest x; those
 *     that are not finite stay white
 */
public record Field(int side, double[] values) {
  private static final double DARKEST = 145;

  public Field {
    if (side < 1 || values.length != side * side) {
      throw new IllegalArgumentException(
          values.length + " values are not those of " + side + " x " + side + " cells");
    }
    values = values.clone();
  }

  /**
   * How many points each cell of [-reach, reach] squared has.
   *
   * @param points x, y, x, y ..
   */
  public static Field counts(int side, double reach, float[] points) {
    double[] counts = new double[side * side];
    for (int i = 0; i + 1 < points.length; i += 2) {
      int column = (int) Math.floor((points[i] / reach + 1) / 2 * side);
      int row = (int) Math.floor((points[i + 1] / reach + 1) / 2 * side);
      if (column >= 0 && column < side && row >= 0 && row < side) {
        counts[row * side + column]++;
      }
    }
    return new Field(side, counts);
  }

  /** The cells' centres, x, y, x, y .., in the order of the values. */
  public static float[] centres(int side, double reach) {
    float[] points = new float[2 * side * side];
    for (int i = 0; i < side * side; i++) {
      points[2 * i] = (float) (((i % side + 0.5) / side * 2 - 1) * reach);
      points[2 * i + 1] = (float) (((i / side + 0.5) / side * 2 - 1) * reach);
    }
    return points;
  }

  /** The lowest finite value, NaN if there is none. */
  public double lowest() {
    return Arrays.stream(values).filter(Double::isFinite).min().orElse(Double.NaN);
  }

  /** The highest finite value, NaN if there is none. */
  public double highest() {
    return Arrays.stream(values).filter(Double::isFinite).max().orElse(Double.NaN);
  }

  /** Draws the cells into a part of the canvas, pixel by pixel, so that no seam shows. */
  void draw(Canvas canvas, double left, double top, double right, double bottom) {
    double low = lowest();
    double high = highest();
    for (int y = (int) Math.round(top); y < Math.round(bottom); y++) {
      for (int x = (int) Math.round(left); x < Math.round(right); x++) {
        int column = cell((x + 0.5 - left) / (right - left));
        int row = cell((bottom - y - 0.5) / (bottom - top));
        double share = (values[row * side + column] - low) / (high - low);
        if (share > 0) {
          int shade = (int) Math.round(255 - (255 - DARKEST) * share);
          canvas.fill(x, y, x + 1, y + 1, new Colour(shade, shade, shade));
        }
      }
    }
  }

  private int cell(double position) {
    return Math.clamp((int) Math.floor(position * side), 0, side - 1);
  }
}
