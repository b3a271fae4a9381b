package dev.kantor.gan;

import java.lang.foreign.MemorySegment;
import java.util.Objects;
import java.util.Optional;

/**
 * What a model learns from. The memory must outlive the state that it is given to.
 *
 * @param images u8 samples [count, features], row-major, off-heap
 * @param labels i32 [count], each in [0, classes), off-heap; empty without labels
 * @param classes how many labels there can be; 0 without labels
 */
public record Samples(
    MemorySegment images, Optional<MemorySegment> labels, long count, long classes) {
  public Samples {
    Objects.requireNonNull(images, "images");
    if (count < 1 || images.byteSize() % count != 0) {
      throw new IllegalArgumentException(
          images.byteSize() + " bytes are not " + count + " samples of one size");
    }
    if (labels.isPresent() != classes > 0
        || labels.isPresent() && labels.get().byteSize() != 4 * count) {
      throw new IllegalArgumentException(
          count
              + " samples of "
              + classes
              + " classes need as many labels of 4 bytes, but there are "
              + labels.map(MemorySegment::byteSize).orElse(0L)
              + " bytes");
    }
  }

  /** Samples without labels. */
  public static Samples of(MemorySegment images, long count) {
    return new Samples(images, Optional.empty(), count, 0);
  }

  /** Numbers in a sample. */
  public long features() {
    return images.byteSize() / count;
  }
}
