package dev.kantor.metrics;

import dev.kantor.data.SplitMix;
import dev.kantor.gan.Samples;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/**
 * What a judge learns from: a set's images, some of them again as {@link Wear} leaves them, with
 * the same labels, and {@link NotDigits}, of one class more.
 */
final class Lesson {
  /** For so many images one is worn. */
  private static final int IMAGES_FOR_ONE_WORN = 2;

  /** For so many images one that is none. */
  private static final int IMAGES_FOR_ONE_THAT_IS_NONE = 4;

  private Lesson() {}

  /**
   * Depends on the images, the design's seed and nothing else.
   *
   * @param from labelled images
   * @param arena keeps the copy
   */
  static Samples of(Samples from, JudgeDesign design, Arena arena) {
    int worn = (int) Math.max(1, from.count() / IMAGES_FOR_ONE_WORN);
    int none = (int) Math.max(1, from.count() / IMAGES_FOR_ONE_THAT_IS_NONE);
    long features = from.features();
    long count = from.count() + worn + none;
    MemorySegment images = arena.allocate(count * features, 64);
    images.asSlice(0, from.data().byteSize()).copyFrom(from.data());
    MemorySegment known = from.labels().orElseThrow();
    MemorySegment labels = arena.allocate(ValueLayout.JAVA_INT, count);
    labels.asSlice(0, known.byteSize()).copyFrom(known);
    Wear wear = new Wear(design.channels(), design.height(), design.width());
    for (int i = 0; i < worn; i++) {
      long original = i * from.count() / worn;
      byte[] image =
          from.data().asSlice(original * features, features).toArray(ValueLayout.JAVA_BYTE);
      byte[] copy = wear.apply(image, new SplitMix(~design.seed(), i));
      MemorySegment.copy(
          copy, 0, images, ValueLayout.JAVA_BYTE, (from.count() + i) * features, copy.length);
      labels.setAtIndex(
          ValueLayout.JAVA_INT, from.count() + i, known.getAtIndex(ValueLayout.JAVA_INT, original));
    }
    images
        .asSlice((from.count() + worn) * features)
        .copyFrom(
            new NotDigits(from, design.channels(), design.height(), design.width(), design.seed())
                .images(none, arena));
    for (long i = from.count() + worn; i < count; i++) {
      labels.setAtIndex(ValueLayout.JAVA_INT, i, (int) from.classes());
    }
    return new Samples(images, Optional.of(labels), count, from.classes() + 1);
  }
}
