package dev.kantor.metrics;

import dev.kantor.data.SplitMix;
import dev.kantor.gan.Samples;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Images that belong to no class, so that a judge that learns from them need not call noise a 3.
 * Kinds take turns:
 *
 * <ol>
 *   <li>noise: pixels around a random grey with a random contrast, from flat to full;
 *   <li>two images of different classes in one: their mean, or the lighter of both at each pixel.
 *       This is what generators draw on their way from one class to another;
 *   <li>scraps: of an image what lies in a few small discs around pixels of its strokes;
 *   <li>the pixels of an image in random order, which has all that an image has but its shape;
 *   <li>an image each of whose pixels comes from somewhere near, so that its strokes fall to dust;
 *   <li>an image cut into squares that are put together in another order;
 *   <li>clouds: smooth noise around a random grey.
 * </ol>
 *
 * <p>Half of those that are made of images and not scattered are worn as images of a class are, so
 * that a blur does not make a digit of them. Image number i depends on the seed, i and the images
 * it is made of alone.
 */
final class NotDigits {
  /** In their order. */
  enum Kind {
    NOISE,
    TWO,
    SCRAPS,
    SHUFFLED,
    SCATTERED,
    SQUARES,
    CLOUDS
  }

  private static final int BYTE = 0xff;

  /** Lighter pixels are of a stroke. */
  private static final int LIGHT = BYTE / 2;

  /** The size of an image over the radius of a disc: shorter than any stroke that is a 1. */
  private static final int DISC = 9;

  /** How far away a scattered pixel comes from, at most, as a part of the image's size. */
  private static final double LEAST_SCATTER = 0.1;

  private static final double LARGEST_SCATTER = 0.25;

  /** Squares a side that an image is cut into. */
  private static final int SQUARES = 4;

  private final Samples from;
  private final int channels;
  private final int height;
  private final int width;
  private final long seed;
  private final Wear wear;

  /**
   * @param from labelled images, u8 [count, channels, height, width]
   */
  NotDigits(Samples from, int channels, int height, int width, long seed) {
    this.from = from;
    this.channels = channels;
    this.height = height;
    this.width = width;
    this.seed = seed;
    wear = new Wear(channels, height, width);
  }

  /** The first {@code count}, u8 [count, features]. */
  MemorySegment images(int count, Arena arena) {
    int features = channels * height * width;
    MemorySegment images = arena.allocate((long) count * features, 64);
    for (int i = 0; i < count; i++) {
      MemorySegment.copy(image(i), 0, images, ValueLayout.JAVA_BYTE, (long) i * features, features);
    }
    return images;
  }

  private byte[] image(int index) {
    SplitMix random = new SplitMix(seed, index);
    Kind kind = Kind.values()[index % Kind.values().length];
    if (kind == Kind.NOISE) {
      return noise(random);
    }
    if (kind == Kind.CLOUDS) {
      return clouds(random);
    }
    long first = random.below((int) from.count());
    long second = ofAnotherClass(first, random.below((int) from.count()));
    // A blur would put together again what was scattered.
    boolean isWorn = random.below(2) == 0 && kind != Kind.SCATTERED;
    byte[] image =
        switch (kind) {
          case TWO ->
              second < 0
                  ? shuffled(pixelsOf(first), random)
                  : both(pixelsOf(first), pixelsOf(second), random.below(2) == 0);
          case SCRAPS -> scraps(pixelsOf(first), random);
          case SCATTERED -> scattered(pixelsOf(first), random);
          case SQUARES -> squares(pixelsOf(first), random);
          default -> shuffled(pixelsOf(first), random);
        };
    return isWorn ? wear.apply(image, random) : image;
  }

  private byte[] noise(SplitMix random) {
    double grey = random.uniform(0, BYTE);
    double contrast = random.uniform(0, 2 * BYTE);
    byte[] image = new byte[channels * height * width];
    for (int i = 0; i < image.length; i++) {
      image[i] = (byte) Math.clamp(Math.round(grey + contrast * (random.uniform() - 0.5)), 0, BYTE);
    }
    return image;
  }

  private byte[] clouds(SplitMix random) {
    double grey = random.below(2) == 0 ? 0 : random.uniform(0, BYTE);
    double contrast = random.uniform(0, 2 * BYTE);
    byte[] image = new byte[channels * height * width];
    for (int c = 0; c < channels; c++) {
      double[] plane = wear.waves(contrast, random);
      for (int i = 0; i < plane.length; i++) {
        long value = Math.round(grey + plane[i]);
        image[c * plane.length + i] = (byte) Math.clamp(value, 0, BYTE);
      }
    }
    return image;
  }

  private byte[] shuffled(byte[] image, SplitMix random) {
    int pixels = height * width;
    for (int i = pixels - 1; i > 0; i--) {
      int j = random.below(i + 1);
      for (int c = 0; c < channels; c++) {
        byte old = image[c * pixels + i];
        image[c * pixels + i] = image[c * pixels + j];
        image[c * pixels + j] = old;
      }
    }
    return image;
  }

  private byte[] scattered(byte[] image, SplitMix random) {
    int pixels = height * width;
    double scatter = random.uniform(LEAST_SCATTER, LARGEST_SCATTER);
    byte[] out = new byte[image.length];
    for (int i = 0; i < pixels; i++) {
      long down = Math.round(height * random.uniform(-scatter, scatter));
      long right = Math.round(width * random.uniform(-scatter, scatter));
      int y = Math.clamp(i / width + down, 0, height - 1);
      int x = Math.clamp(i % width + right, 0, width - 1);
      for (int c = 0; c < channels; c++) {
        out[c * pixels + i] = image[c * pixels + y * width + x];
      }
    }
    return out;
  }

  private static byte[] both(byte[] a, byte[] b, boolean isMean) {
    byte[] image = new byte[a.length];
    for (int i = 0; i < image.length; i++) {
      int x = a[i] & BYTE;
      int y = b[i] & BYTE;
      image[i] = (byte) (isMean ? (x + y + 1) / 2 : Math.max(x, y));
    }
    return image;
  }

  /** Two or three discs are kept. An image without light pixels becomes black. */
  private byte[] scraps(byte[] image, SplitMix random) {
    int pixels = height * width;
    byte[] kept = new byte[image.length];
    int radius = Math.max(1, Math.min(height, width) / DISC);
    for (int discs = 2 + random.below(2); discs > 0; discs--) {
      int centre = light(image, random.below(pixels));
      for (int i = 0; i < pixels && centre >= 0; i++) {
        int dy = i / width - centre / width;
        int dx = i % width - centre % width;
        for (int c = 0; dy * dy + dx * dx <= radius * radius && c < channels; c++) {
          kept[c * pixels + i] = image[c * pixels + i];
        }
      }
    }
    return kept;
  }

  /** The next pixel from {@code start} that is light in the first channel; -1 if none is. */
  private int light(byte[] image, int start) {
    int pixels = height * width;
    for (int step = 0; step < pixels; step++) {
      int i = (start + step) % pixels;
      if ((image[i] & BYTE) > LIGHT) {
        return i;
      }
    }
    return -1;
  }

  private byte[] squares(byte[] image, SplitMix random) {
    int[] order = new int[SQUARES * SQUARES];
    for (int i = 0; i < order.length; i++) {
      int j = random.below(i + 1);
      order[i] = order[j];
      order[j] = i;
    }
    int high = height / SQUARES;
    int wide = width / SQUARES;
    byte[] out = image.clone();
    for (int to = 0; to < order.length; to++) {
      for (int y = 0; y < channels * high; y++) {
        // Row y % high of the square, in channel y / high.
        int row = y / high * height + y % high;
        System.arraycopy(
            image,
            (row + order[to] / SQUARES * high) * width + order[to] % SQUARES * wide,
            out,
            (row + to / SQUARES * high) * width + to % SQUARES * wide,
            wide);
      }
    }
    return out;
  }

  /** The next image from {@code start} of another class; -1 if all are of one. */
  private long ofAnotherClass(long image, long start) {
    for (long step = 0; step < from.count(); step++) {
      long other = (start + step) % from.count();
      if (label(other) != label(image)) {
        return other;
      }
    }
    return -1;
  }

  private int label(long image) {
    return from.labels().orElseThrow().getAtIndex(ValueLayout.JAVA_INT, image);
  }

  private byte[] pixelsOf(long image) {
    int features = channels * height * width;
    return from.data().asSlice(image * features, features).toArray(ValueLayout.JAVA_BYTE);
  }
}
