package dev.kantor.report;

import dev.kantor.io.Coverage;
import dev.kantor.io.Png;
import java.util.Arrays;

/**
 * An RGB picture to draw on, with anti-aliased lines and text. Coordinates are pixels from the top
 * left; white at first.
 */
final class Canvas {
  /** Where a text lies relative to the point it is given. */
  enum Align {
    LEFT,
    CENTRE,
    RIGHT
  }

  private final int width;
  private final int height;
  private final byte[] pixels;
  private final Coverage mask;

  Canvas(int width, int height) {
    this.width = width;
    this.height = height;
    pixels = new byte[Math.multiplyExact(3, Math.multiplyExact(width, height))];
    Arrays.fill(pixels, (byte) 0xFF);
    mask = new Coverage(width, height);
  }

  /** The picture as the bytes of a PNG file. */
  byte[] png() {
    return Png.encode(pixels, width, height, 3);
  }

  /** Fills a rectangle whose edges may lie between pixels. */
  void fill(double left, double top, double right, double bottom, Colour colour) {
    for (int y = Math.max(0, (int) top); y < Math.min(height, Math.ceil(bottom)); y++) {
      for (int x = Math.max(0, (int) left); x < Math.min(width, Math.ceil(right)); x++) {
        double covered =
            (Math.min(right, x + 1) - Math.max(left, x))
                * (Math.min(bottom, y + 1) - Math.max(top, y));
        blend(x, y, colour, covered);
      }
    }
  }

  /**
   * Draws a chain of lines through the points x, y, x, y .., its joints as even as the rest; one
   * point is a dot.
   */
  void stroke(double[] points, double thickness, Colour colour) {
    if (points.length == 0) {
      return;
    }
    double left = Double.POSITIVE_INFINITY;
    double right = Double.NEGATIVE_INFINITY;
    double top = Double.POSITIVE_INFINITY;
    double bottom = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < points.length; i += 2) {
      int from = Math.max(0, i - 2);
      mask.line(points[from], points[from + 1], points[i], points[i + 1], thickness / 2);
      left = Math.min(left, points[i]);
      right = Math.max(right, points[i]);
      top = Math.min(top, points[i + 1]);
      bottom = Math.max(bottom, points[i + 1]);
    }
    int x0 = (int) Math.max(0, left - thickness - 2);
    int x1 = (int) Math.min(width, right + thickness + 2);
    int y0 = (int) Math.max(0, top - thickness - 2);
    int y1 = (int) Math.min(height, bottom + thickness + 2);
    for (int y = y0; y < y1; y++) {
      for (int x = x0; x < x1; x++) {
        blend(x, y, colour, mask.at(x, y));
      }
    }
    mask.clear(x0, y0, Math.max(x0, x1), Math.max(y0, y1));
  }

  /** The width of a text whose capitals are this many pixels high. */
  static double textWidth(String text, double capital) {
    return Font.width(text) * capital / Font.CAPITAL;
  }

  /** Writes a text; (x, base) is where its base line begins, has its middle or ends. */
  void text(String text, double x, double base, double capital, Align align, Colour colour) {
    double scale = capital / Font.CAPITAL;
    double start = x - shift(text, capital, align);
    Font.lay(
        text,
        points -> {
          double[] placed = new double[points.length];
          for (int i = 0; i < points.length; i += 2) {
            placed[i] = start + scale * points[i];
            placed[i + 1] = base + scale * (points[i + 1] - Font.CAPITAL);
          }
          stroke(placed, pen(capital), colour);
        });
  }

  /** Writes a text upwards; (base, y) is where its base line begins, has its middle or ends. */
  void textUp(String text, double base, double y, double capital, Align align, Colour colour) {
    double scale = capital / Font.CAPITAL;
    double start = y + shift(text, capital, align);
    Font.lay(
        text,
        points -> {
          double[] placed = new double[points.length];
          for (int i = 0; i < points.length; i += 2) {
            placed[i] = base + scale * (points[i + 1] - Font.CAPITAL);
            placed[i + 1] = start - scale * points[i];
          }
          stroke(placed, pen(capital), colour);
        });
  }

  private static double pen(double capital) {
    return 0.55 + 0.085 * capital;
  }

  private static double shift(String text, double capital, Align align) {
    return switch (align) {
      case LEFT -> 0;
      case CENTRE -> textWidth(text, capital) / 2;
      case RIGHT -> textWidth(text, capital);
    };
  }

  private void blend(int x, int y, Colour colour, double share) {
    if (share > 0) {
      int at = 3 * (y * width + x);
      pixels[at] = mix(pixels[at], colour.red(), share);
      pixels[at + 1] = mix(pixels[at + 1], colour.green(), share);
      pixels[at + 2] = mix(pixels[at + 2], colour.blue(), share);
    }
  }

  private static byte mix(byte under, int over, double share) {
    int old = under & 0xFF;
    return (byte) Math.round(old + (over - old) * Math.min(1, share));
  }
}
