package dev.kantor.data;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Three random digits as the red, green and blue channel of one image: 1000 modes, so that modes
 * lost by a generator can be counted (Metz et al. 2017, section 3.3.2). The label is the
 * three-digit number, red first.
 */
final class StackedDigits {
  private static final int CHANNELS = 3;
  private static final int MODES = 1000;

  private StackedDigits() {}

  /**
   * Stacks digits of a grey set with ten classes; its test images, if any, are stacked among
   * themselves, a sixth as many.
   *
   * @throws IllegalArgumentException if the set is not grey digits with labels
   */
  static ImageSet of(ImageSet digits, int count, long seed) {
    if (digits.channels() != 1 || digits.classes() != 10) {
      throw new IllegalArgumentException(
          "cannot stack " + digits.name() + ": it is not grey images of ten classes");
    }
    ImageSet stacked = stack("stacked-" + digits.name(), digits, count, seed, 0);
    return digits.test().isEmpty()
        ? stacked
        : stacked.withTest(
            stack(
                stacked.name() + " (test)",
                digits.test().get(),
                Math.max(1, count / 6),
                seed,
                1L << 40));
  }

  private static ImageSet stack(
      String name, ImageSet digits, int count, long seed, long firstStream) {
    Arena arena = Arena.ofAuto();
    long digitBytes = digits.imageBytes();
    MemorySegment images = arena.allocate(count * CHANNELS * digitBytes);
    MemorySegment labels = arena.allocate(ValueLayout.JAVA_INT, count);
    IntStream.range(0, count)
        .parallel()
        .forEach(
            i -> {
              SplitMix random = new SplitMix(seed, firstStream + i);
              int label = 0;
              for (int c = 0; c < CHANNELS; c++) {
                int index = random.below(digits.count());
                label = 10 * label + digits.label(index);
                MemorySegment.copy(
                    digits.images(),
                    index * digitBytes,
                    images,
                    ((long) i * CHANNELS + c) * digitBytes,
                    digitBytes);
              }
              labels.setAtIndex(ValueLayout.JAVA_INT, i, label);
            });
    return ImageSet.of(
        name,
        count,
        CHANNELS,
        digits.height(),
        digits.width(),
        images.asReadOnly(),
        Optional.of(labels.asReadOnly()),
        MODES);
  }
}
