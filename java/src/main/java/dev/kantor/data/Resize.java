package dev.kantor.data;

/**
 * Brings a picture to a size, aspect ignored: each output pixel is the mean of the input under a
 * triangle as wide as two output pixels (or two input pixels, when enlarging), so shrinking does
 * not alias and enlarging is bilinear.
 */
final class Resize {
  private Resize() {}

  /** The picture as bytes [channels][height][width]. */
  static byte[] apply(Picture picture, int height, int width) {
    byte[] result = new byte[picture.planes().length * height * width];
    Taps across = new Taps(picture.width(), width);
    Taps down = new Taps(picture.height(), height);
    for (int c = 0; c < picture.planes().length; c++) {
      float[] plane = picture.planes()[c];
      float[] narrow = new float[picture.height() * width];
      for (int y = 0; y < picture.height(); y++) {
        for (int x = 0; x < width; x++) {
          narrow[y * width + x] = across.mean(plane, y * picture.width(), 1, x);
        }
      }
      for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
          result[(c * height + y) * width + x] =
              (byte) Math.clamp(Math.round(down.mean(narrow, x, width, y)), 0, 255);
        }
      }
    }
    return result;
  }

  /** Which inputs each output is a mean of. */
  private static final class Taps {
    private final int[] first;
    private final float[][] weights;

    Taps(int from, int to) {
      first = new int[to];
      weights = new float[to][];
      double scale = (double) from / to;
      double reach = Math.max(1, scale);
      for (int i = 0; i < to; i++) {
        double centre = (i + 0.5) * scale;
        int low = (int) Math.max(0, Math.ceil(centre - reach - 0.5));
        int high = (int) Math.min(from - 1.0, Math.floor(centre + reach - 0.5));
        first[i] = low;
        weights[i] = new float[high - low + 1];
        double sum = 0;
        for (int j = low; j <= high; j++) {
          sum += weight(j, centre, reach);
        }
        for (int j = low; j <= high; j++) {
          weights[i][j - low] = (float) (weight(j, centre, reach) / sum);
        }
      }
    }

    private static double weight(int pixel, double centre, double reach) {
      return Math.max(0, 1 - Math.abs(pixel + 0.5 - centre) / reach);
    }

    float mean(float[] values, int offset, int stride, int output) {
      float sum = 0;
      for (int j = 0; j < weights[output].length; j++) {
        sum += weights[output][j] * values[offset + (first[output] + j) * stride];
      }
      return sum;
    }
  }
}
