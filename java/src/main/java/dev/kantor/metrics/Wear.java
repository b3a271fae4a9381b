package dev.kantor.metrics;

import dev.kantor.data.SplitMix;
import java.util.Arrays;

/**
 * Makes an image worse, but leaves it one of what it shows: blurred as an autoencoder draws, faint
 * or too bright, on grey and uneven ground, with noise, its strokes thicker or thinner, a little
 * bent, rough, fading in places. Each is drawn by itself and often not there, so that few images
 * have all of them.
 *
 * <p>What comes out depends on the image and the random numbers alone, on any Java and machine.
 */
final class Wear {
  /** Of the Gaussian, in pixels: with more, the holes of an 8 of MNIST are gone. */
  static final double LARGEST_RADIUS = 1.6;

  /** Of the brightness between an image's ground and its strokes. */
  static final double LEAST_CONTRAST = 0.35;

  private static final double LARGEST_CONTRAST = 1.6;
  private static final double LIGHTEST_GROUND = 0.5;

  /** Of the Gaussian by which a ground that is darker around strokes gets lighter again. */
  private static final double HALO_RADIUS = 3;

  /** A ground is as dark as it gets where that Gaussian has left this part of a stroke's light. */
  private static final double HALO_FULL = 0.3;

  /** Parts of the contrast: unevenness of the ground, of one pixel, and of every second pixel. */
  private static final double WAVES = 0.3;

  private static final double GRAIN = 0.3;
  private static final double LATTICE = 0.3;

  /** Part of a stroke's brightness that roughness may take from a pixel. */
  private static final double ROUGHNESS = 0.6;

  /** Part of a stroke's brightness that it may lose where it fades most. */
  private static final double FADING = 0.85;

  /** Of a bend, in heights of an image of which strokes are a tenth thick: half a stroke. */
  private static final double BEND = 0.06;

  /** Part of the pixels that may have any value. */
  private static final double SPECKS = 0.03;

  /** A thinner stroke than this part of the way to none at its rim may have gaps. */
  private static final double THINNEST = 0.6;

  private static final double BYTE = 255;

  private final int channels;
  private final int height;
  private final int width;

  Wear(int channels, int height, int width) {
    this.channels = channels;
    this.height = height;
    this.width = width;
  }

  /**
   * A worn copy.
   *
   * @param image u8 [channels, height, width]
   */
  byte[] apply(byte[] image, SplitMix random) {
    double thickness = sometimes(random, 2, -THINNEST, 1);
    double radius = random.below(4) == 0 ? 0 : random.uniform(0, LARGEST_RADIUS);
    double bend = sometimes(random, 2, 0, BEND * height);
    double fading = sometimes(random, 2, 0, FADING);
    double roughness = sometimes(random, 2, 0, ROUGHNESS);
    double lattice = sometimes(random, 2, 0, LATTICE);
    double contrast = random.uniform(LEAST_CONTRAST, LARGEST_CONTRAST);
    double ground = sometimes(random, 2, 0, LIGHTEST_GROUND);
    double halo = ground == 0 ? 0 : sometimes(random, 2, 0, 1);
    double waves = sometimes(random, 2, 0, WAVES) * Math.min(1, contrast);
    double grain = sometimes(random, 2, 0, GRAIN) * Math.min(1, contrast);
    double specks = sometimes(random, 4, 0, SPECKS);
    int phase = random.below(4);
    byte[] worn = new byte[image.length];
    double[] plane = new double[height * width];
    for (int c = 0; c < channels; c++) {
      for (int i = 0; i < plane.length; i++) {
        plane[i] = (image[c * plane.length + i] & 0xff) / BYTE;
      }
      double[] strokes = blur(bend(thicken(plane, thickness), bend, random), radius);
      double[] around = halo == 0 ? strokes : blur(strokes, HALO_RADIUS);
      double[] uneven = waves(waves, random);
      double[] faded = waves(fading / 2, random);
      for (int i = 0; i < plane.length; i++) {
        // One of the four positions of a transposed convolution of stride 2.
        boolean isOfLattice = (i / width % 2 * 2 + i % width % 2) == phase;
        double stroke =
            strokes[i]
                * (1 - fading / 2 + faded[i])
                * (1 - roughness * random.uniform())
                * (isOfLattice ? 1 - lattice : 1);
        double below = ground * (1 - halo * Math.min(1, around[i] / HALO_FULL));
        double value =
            below
                + contrast * stroke
                + uneven[i]
                + grain * (random.uniform() - 0.5)
                + (isOfLattice ? lattice * below : 0);
        if (random.uniform() < specks) {
          value = random.uniform();
        }
        worn[c * plane.length + i] = (byte) Math.clamp(Math.round(BYTE * value), 0, (int) BYTE);
      }
    }
    return worn;
  }

  /** Uniform in a range, one time of some; else 0. */
  private static double sometimes(SplitMix random, int one, double low, double high) {
    return random.below(one) == 0 ? random.uniform(low, high) : 0;
  }

  /** A part of the way to the lightest of a pixel and its four neighbours, or to the darkest. */
  private double[] thicken(double[] plane, double thickness) {
    if (thickness == 0) {
      return plane;
    }
    double sign = Math.signum(thickness);
    double[] out = new double[plane.length];
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        int i = y * width + x;
        double most = sign * plane[i];
        most = x > 0 ? Math.max(most, sign * plane[i - 1]) : most;
        most = x + 1 < width ? Math.max(most, sign * plane[i + 1]) : most;
        most = y > 0 ? Math.max(most, sign * plane[i - width]) : most;
        most = y + 1 < height ? Math.max(most, sign * plane[i + width]) : most;
        out[i] = plane[i] + Math.abs(thickness) * (sign * most - plane[i]);
      }
    }
    return out;
  }

  /** Moves each pixel by up to {@code most} pixels either way, neighbours alike. */
  private double[] bend(double[] plane, double most, SplitMix random) {
    if (most == 0) {
      return plane;
    }
    double[] down = waves(most, random);
    double[] right = waves(most, random);
    double[] out = new double[plane.length];
    for (int i = 0; i < out.length; i++) {
      double fromY = Math.clamp(i / width + down[i], 0, height - 1);
      double fromX = Math.clamp(i % width + right[i], 0, width - 1);
      int y = Math.min((int) fromY, height - 2);
      int x = Math.min((int) fromX, width - 2);
      int at = y * width + x;
      double above = between(plane[at], plane[at + 1], fromX - x);
      double below = between(plane[at + width], plane[at + width + 1], fromX - x);
      out[i] = between(above, below, fromY - y);
    }
    return out;
  }

  /** By a Gaussian; the image goes on outside as it is at its edge. */
  double[] blur(double[] plane, double radius) {
    if (radius <= 0) {
      return plane;
    }
    int reach = (int) Math.ceil(3 * radius);
    double[] kernel = new double[2 * reach + 1];
    for (int k = 0; k < kernel.length; k++) {
      double distance = (k - reach) / radius;
      kernel[k] = StrictMath.exp(-0.5 * distance * distance);
    }
    double sum = Arrays.stream(kernel).sum();
    double[] rows = new double[plane.length];
    double[] out = new double[plane.length];
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        double s = 0;
        for (int k = 0; k < kernel.length; k++) {
          s += kernel[k] * plane[y * width + Math.clamp(x + k - reach, 0, width - 1)];
        }
        rows[y * width + x] = s / sum;
      }
    }
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        double s = 0;
        for (int k = 0; k < kernel.length; k++) {
          s += kernel[k] * rows[Math.clamp(y + k - reach, 0, height - 1) * width + x];
        }
        out[y * width + x] = s / sum;
      }
    }
    return out;
  }

  /**
   * Smooth noise of one plane, at most {@code most} either way: random numbers on a grid of 3 to 8
   * points a side, linear between them.
   */
  double[] waves(double most, SplitMix random) {
    double[] plane = new double[height * width];
    if (most == 0) {
      return plane;
    }
    int side = 3 + random.below(6);
    double[] grid = new double[side * side];
    for (int i = 0; i < grid.length; i++) {
      grid[i] = random.uniform(-most, most);
    }
    for (int y = 0; y < height; y++) {
      double atRow = (double) y * (side - 1) / height;
      int row = (int) atRow;
      for (int x = 0; x < width; x++) {
        double atColumn = (double) x * (side - 1) / width;
        int column = (int) atColumn;
        int i = row * side + column;
        double above = between(grid[i], grid[i + 1], atColumn - column);
        double below = between(grid[i + side], grid[i + side + 1], atColumn - column);
        plane[y * width + x] = between(above, below, atRow - row);
      }
    }
    return plane;
  }

  private static double between(double a, double b, double part) {
    return a + part * (b - a);
  }
}
