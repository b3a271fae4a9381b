package dev.kantor.metrics;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Objects;

/**
 * Points that metrics compare: a row for each image.
 *
 * @param count rows
 * @param width numbers in a row
 * @param values [count, width], row-major; not copied
 */
public record Features(int count, int width, float[] values) {
  private static final int BYTE = 0xff;

  public Features {
    Objects.requireNonNull(values, "values");
    if (count < 1 || width < 1 || values.length != (long) count * width) {
      throw new IllegalArgumentException(
          values.length + " numbers are not " + count + " rows of " + width);
    }
  }

  /** Rows of numbers, all of one length. */
  public static Features of(float[]... rows) {
    float[] all = new float[rows.length * rows[0].length];
    for (int i = 0; i < rows.length; i++) {
      if (rows[i].length != rows[0].length) {
        throw new IllegalArgumentException(
            "row " + i + " has " + rows[i].length + " numbers, the first " + rows[0].length);
      }
      System.arraycopy(rows[i], 0, all, i * rows[0].length, rows[i].length);
    }
    return new Features(rows.length, rows[0].length, all);
  }

  /**
   * Pixels as they are, in [0, 255].
   *
   * @param bytes u8 [count, width]
   */
  public static Features pixels(MemorySegment bytes, int width) {
    float[] values = new float[Math.toIntExact(bytes.byteSize())];
    for (int i = 0; i < values.length; i++) {
      values[i] = bytes.get(ValueLayout.JAVA_BYTE, i) & BYTE;
    }
    return new Features(values.length / width, width, values);
  }

  /** The first rows; all, if there are no more. */
  public Features first(int rows) {
    return rows >= count ? this : new Features(rows, width, Arrays.copyOf(values, rows * width));
  }

  void requireSameWidth(Features other) {
    if (other.width != width) {
      throw new IllegalArgumentException(
          "rows of " + width + " and of " + other.width + " numbers cannot be compared");
    }
  }
}
