package dev.kantor.metrics;

import dev.kantor.data.SplitMix;
import dev.kantor.gan.Samples;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/**
 * Images that belong to no class, so that a judge that learns from them need not call noise a 3.
 * Three kinds take turns:
 *
 * <ol>
 *   <li>noise: pixels around a random grey with a random contrast, from flat to full;
 *   <li>the pixels of an image in random order, which has all that an image has but its shape;
 *   <li>two images of different classes in one: their mean, or the lighter of both at each pixel.
 *       This is what generators draw on their way from one class to another.
 * </ol>
 *
 * <p>Image number i depends on the seed, i and the images it is made of alone.
 */
final class NotDigits {
  private static final int KINDS = 3;
  private static final int NOISE = 0;
  private static final int SHUFFLED = 1;
  private static final int BYTE = 0xff;

  private final Samples from;
  private final int channels;
  private final int pixels;
  private final long seed;

  /**
   * @param from labelled images
   * @param channels planes in an image; their pixels stay together
   */
  NotDigits(Samples from, int channels, long seed) {
    this.from = from;
    this.channels = channels;
    pixels = Math.toIntExact(from.features()) / channels;
    this.seed = seed;
  }

  /**
   * The images they are made of, then {@code more} that are none: of one class more.
   *
   * @param arena keeps the copy
   */
  Samples after(int more, Arena arena) {
    long bytes = from.data().byteSize();
    MemorySegment images = arena.allocate(bytes + more * from.features(), 64);
    MemorySegment.copy(from.data(), 0, images, 0, bytes);
    images.asSlice(bytes).copyFrom(images(more, arena));
    long count = from.count() + more;
    MemorySegment labels = arena.allocate(ValueLayout.JAVA_INT, count);
    labels.copyFrom(from.labels().orElseThrow());
    for (long i = from.count(); i < count; i++) {
      labels.setAtIndex(ValueLayout.JAVA_INT, i, (int) from.classes());
    }
    return new Samples(images, Optional.of(labels), count, from.classes() + 1);
  }

  /** The first {@code count}, u8 [count, features]. */
  MemorySegment images(int count, Arena arena) {
    int features = channels * pixels;
    MemorySegment images = arena.allocate((long) count * features, 64);
    for (int i = 0; i < count; i++) {
      MemorySegment.copy(image(i), 0, images, ValueLayout.JAVA_BYTE, (long) i * features, features);
    }
    return images;
  }

  private byte[] image(int index) {
    SplitMix random = new SplitMix(seed, index);
    int kind = index % KINDS;
    if (kind == NOISE) {
      return noise(random);
    }
    long first = random.below((int) from.count());
    long second = ofAnotherClass(first, random.below((int) from.count()));
    return kind == SHUFFLED || second < 0
        ? shuffled(pixelsOf(first), random)
        : both(pixelsOf(first), pixelsOf(second), random.below(2) == 0);
  }

  private byte[] noise(SplitMix random) {
    double grey = random.uniform(0, BYTE);
    double contrast = random.uniform(0, 2 * BYTE);
    byte[] image = new byte[channels * pixels];
    for (int i = 0; i < image.length; i++) {
      image[i] = (byte) Math.clamp(Math.round(grey + contrast * (random.uniform() - 0.5)), 0, BYTE);
    }
    return image;
  }

  private byte[] shuffled(byte[] image, SplitMix random) {
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

  private static byte[] both(byte[] a, byte[] b, boolean isMean) {
    byte[] image = new byte[a.length];
    for (int i = 0; i < image.length; i++) {
      int x = a[i] & BYTE;
      int y = b[i] & BYTE;
      image[i] = (byte) (isMean ? (x + y + 1) / 2 : Math.max(x, y));
    }
    return image;
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
    int features = channels * pixels;
    return from.data().asSlice(image * features, features).toArray(ValueLayout.JAVA_BYTE);
  }
}
