package dev.kantor.gan;

import dev.kantor.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import java.util.Optional;

/**
 * What a model learns from. The memory must outlive the state that it is given to.
 *
 * @param data samples [count, features], row-major, off-heap
 * @param type of their numbers: u8 for the pixels of images, f32 for anything else
 * @param labels i32 [count], each in [0, classes), off-heap; empty without labels
 * @param classes how many labels there can be; 0 without labels
 */
public record Samples(
    MemorySegment data, DType type, Optional<MemorySegment> labels, long count, long classes) {
  public Samples {
    Objects.requireNonNull(data, "data");
    if (type != DType.U8 && type != DType.F32) {
      throw new IllegalArgumentException("samples are of u8 or f32, not " + type);
    }
    if (count < 1 || data.byteSize() % (count * type.bytes()) != 0) {
      throw new IllegalArgumentException(
          data.byteSize() + " bytes are not " + count + " samples of one size");
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

  /** Images, u8. */
  public Samples(MemorySegment images, Optional<MemorySegment> labels, long count, long classes) {
    this(images, DType.U8, labels, count, classes);
  }

  /** Images, u8, without labels. */
  public static Samples of(MemorySegment images, long count) {
    return new Samples(images, Optional.empty(), count, 0);
  }

  /** Numbers in a sample. */
  public long features() {
    return data.byteSize() / type.bytes() / count;
  }
}
