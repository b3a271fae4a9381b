package dev.kantor.data;

import dev.kantor.io.Sha256;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;
import java.util.Optional;

/**
 * Images of one size, as unsigned bytes.
 *
 * @param name what it is called in messages and manifests
 * @param count how many images
 * @param channels 1 for grey, 3 for RGB
 * @param images u8 [count, channels, height, width]
 * @param labels i32 [count], each in [0, classes); empty without labels
 * @param classes how many labels there can be; 0 without labels
 * @param fingerprint SHA-256 of shape, images and labels, as 64 hexadecimal digits
 * @param test images held back for evaluation, where the set has some
 */
public record ImageSet(
    String name,
    int count,
    int channels,
    int height,
    int width,
    MemorySegment images,
    Optional<MemorySegment> labels,
    int classes,
    String fingerprint,
    Optional<ImageSet> test)
    implements DataSet {
  public ImageSet {
    Objects.requireNonNull(name);
    if (count < 1 || height < 1 || width < 1 || (channels != 1 && channels != 3)) {
      throw new IllegalArgumentException(
          name
              + ": "
              + count
              + " images of "
              + channels
              + " x "
              + height
              + " x "
              + width
              + "; channels are 1 or 3");
    }
    if (images.byteSize() != (long) count * channels * height * width) {
      throw new IllegalArgumentException(
          name
              + ": "
              + images.byteSize()
              + " bytes for "
              + count
              + " images of "
              + channels
              + " x "
              + height
              + " x "
              + width);
    }
    if (classes < 0 || labels.isPresent() != classes > 0) {
      throw new IllegalArgumentException(
          name + ": " + classes + " classes, labels " + (labels.isPresent() ? "given" : "missing"));
    }
    if (labels.isPresent()) {
      checkLabels(name, labels.get(), count, classes);
    }
    if (!fingerprint.matches("[0-9a-f]{64}")) {
      throw new IllegalArgumentException(
          name + ": the fingerprint is not a SHA-256: " + fingerprint);
    }
    if (test.isPresent()
        && (test.get().channels != channels
            || test.get().height != height
            || test.get().width != width)) {
      throw new IllegalArgumentException(name + ": its test images are of another size");
    }
  }

  /**
   * The same set with the fingerprint computed and the test images left out. Arguments and
   * exceptions as above.
   */
  static ImageSet of(
      String name,
      int count,
      int channels,
      int height,
      int width,
      MemorySegment images,
      Optional<MemorySegment> labels,
      int classes) {
    Sha256 sum =
        new Sha256()
            .update(
                "images " + count + " " + channels + " " + height + " " + width + " " + classes
                    + "\n");
    sum.update(images);
    labels.ifPresent(sum::update);
    return new ImageSet(
        name, count, channels, height, width, images, labels, classes, sum.hex(), Optional.empty());
  }

  ImageSet withTest(ImageSet held) {
    return new ImageSet(
        name,
        count,
        channels,
        height,
        width,
        images,
        labels,
        classes,
        fingerprint,
        Optional.of(held));
  }

  /** Bytes of one image: channels * height * width. */
  public int imageBytes() {
    return channels * height * width;
  }

  /**
   * One image, u8 [channels, height, width].
   *
   * @throws IndexOutOfBoundsException if there is no such image
   */
  public MemorySegment image(int index) {
    Objects.checkIndex(index, count);
    return images.asSlice((long) index * imageBytes(), imageBytes());
  }

  /**
   * The class of one image.
   *
   * @throws IndexOutOfBoundsException if there is no such image
   * @throws IllegalStateException if the set has no labels
   */
  public int label(int index) {
    Objects.checkIndex(index, count);
    return labels
        .orElseThrow(() -> new IllegalStateException(name + " has no labels"))
        .getAtIndex(ValueLayout.JAVA_INT, index);
  }

  static void checkLabels(String name, MemorySegment labels, int count, int classes) {
    if (labels.byteSize() != 4L * count) {
      throw new IllegalArgumentException(
          name + ": " + labels.byteSize() / 4 + " labels for " + count + " samples");
    }
    for (int i = 0; i < count; i++) {
      int label = labels.getAtIndex(ValueLayout.JAVA_INT, i);
      if (label < 0 || label >= classes) {
        throw new IllegalArgumentException(
            name + ": label " + label + " of sample " + i + "; expected 0 to " + (classes - 1));
      }
    }
  }
}
