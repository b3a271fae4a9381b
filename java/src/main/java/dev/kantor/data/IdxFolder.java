package dev.kantor.data;

import dev.kantor.io.FormatException;
import dev.kantor.io.Idx;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * A folder with images and labels in the four IDX files of MNIST, each plain or gzip-packed ({@code
 * .gz}).
 */
final class IdxFolder {
  static final String TRAIN_IMAGES = "train-images-idx3-ubyte";
  static final String TRAIN_LABELS = "train-labels-idx1-ubyte";
  static final String TEST_IMAGES = "t10k-images-idx3-ubyte";
  static final String TEST_LABELS = "t10k-labels-idx1-ubyte";

  private IdxFolder() {}

  /** Whether the folder holds training images and labels. */
  static boolean isIn(Path folder) {
    return find(folder, TRAIN_IMAGES).isPresent() && find(folder, TRAIN_LABELS).isPresent();
  }

  /** The file of this name in the folder, plain or else packed. */
  static Optional<Path> find(Path folder, String name) {
    Path plain = folder.resolve(name);
    Path packed = folder.resolve(name + ".gz");
    if (Files.exists(plain)) {
      return Optional.of(plain);
    }
    return Files.exists(packed) ? Optional.of(packed) : Optional.empty();
  }

  /**
   * Reads the training images and, if they are there, the test images.
   *
   * @throws FormatException if a file is damaged or the four do not fit each other
   * @throws IOException if a file is missing or cannot be read
   */
  static ImageSet read(String name, Path folder) throws IOException {
    Idx labels = labels(need(folder, TRAIN_LABELS));
    int classes = 1 + largest(labels);
    ImageSet train =
        pair(name, Idx.read(need(folder, TRAIN_IMAGES), 3, Arena.ofAuto()), labels, classes);
    if (find(folder, TEST_IMAGES).isEmpty()) {
      return train;
    }
    Idx testImages = Idx.read(need(folder, TEST_IMAGES), 3, Arena.ofAuto());
    if (testImages.dims()[1] != train.height() || testImages.dims()[2] != train.width()) {
      throw new FormatException(
          testImages.file(),
          "its images are "
              + testImages.dims()[1]
              + " x "
              + testImages.dims()[2]
              + "; the training images are "
              + train.height()
              + " x "
              + train.width());
    }
    return train.withTest(
        pair(name + " (test)", testImages, labels(need(folder, TEST_LABELS)), classes));
  }

  private static Path need(Path folder, String name) throws IOException {
    return find(folder, name)
        .orElseThrow(
            () -> new IOException("there is no " + name + " or " + name + ".gz in " + folder));
  }

  private static Idx labels(Path file) throws IOException {
    return Idx.read(file, 1, Arena.ofAuto());
  }

  private static int largest(Idx labels) {
    int largest = 0;
    for (long i = 0; i < labels.data().byteSize(); i++) {
      largest = Math.max(largest, labels.data().get(ValueLayout.JAVA_BYTE, i) & 0xFF);
    }
    return largest;
  }

  private static ImageSet pair(String name, Idx images, Idx labels, int classes)
      throws FormatException {
    long count = images.dims()[0];
    if (labels.dims()[0] != count) {
      throw new FormatException(
          labels.file(),
          "holds "
              + labels.dims()[0]
              + " labels, but "
              + images.file().getFileName()
              + " has "
              + count
              + " images");
    }
    long height = images.dims()[1];
    long width = images.dims()[2];
    if (count > Integer.MAX_VALUE
        || height * width > Integer.MAX_VALUE
        || height > Integer.MAX_VALUE) {
      throw new FormatException(
          images.file(), "is too large: " + count + " images of " + height + " x " + width);
    }
    if (largest(labels) >= classes) {
      throw new FormatException(
          labels.file(),
          "holds label " + largest(labels) + "; the training labels end at " + (classes - 1));
    }
    MemorySegment wide = Arena.ofAuto().allocate(ValueLayout.JAVA_INT, count);
    for (long i = 0; i < count; i++) {
      wide.setAtIndex(ValueLayout.JAVA_INT, i, labels.data().get(ValueLayout.JAVA_BYTE, i) & 0xFF);
    }
    return ImageSet.of(
        name,
        (int) count,
        1,
        (int) height,
        (int) width,
        images.data(),
        Optional.of(wide.asReadOnly()),
        classes);
  }
}
