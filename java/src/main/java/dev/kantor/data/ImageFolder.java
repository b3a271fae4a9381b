package dev.kantor.data;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * A folder of PNG and JPEG pictures, all brought to one size. If the pictures lie in sub-folders,
 * each sub-folder is a class, numbered in the order of their names; pictures right in the folder
 * have no labels. Names that start with a dot are left out.
 */
final class ImageFolder {
  private ImageFolder() {}

  /**
   * Reads the whole folder.
   *
   * @param channels 1 turns the pictures grey, 3 makes them RGB
   * @throws IOException if there are no pictures, they lie both in the folder and in sub-folders,
   *     or one cannot be decoded (names it)
   */
  static ImageSet read(Path folder, int channels, int height, int width) throws IOException {
    List<Path> files = pictures(folder);
    List<Path> classes = new ArrayList<>();
    List<Integer> labels = new ArrayList<>();
    for (Path sub : list(folder, Files::isDirectory)) {
      List<Path> inside = pictures(sub);
      if (!inside.isEmpty()) {
        if (classes.isEmpty() && !files.isEmpty()) {
          throw new IOException(
              folder
                  + " has pictures both of its own and in sub-folders, which are classes; move the"
                  + " former, such as "
                  + files.getFirst().getFileName()
                  + ", into a sub-folder");
        }
        inside.forEach(file -> labels.add(classes.size()));
        classes.add(sub);
        files.addAll(inside);
      }
    }
    if (files.isEmpty()) {
      throw new IOException(
          "there are no .png, .jpg or .jpeg files in " + folder + " or its sub-folders");
    }
    Arena arena = Arena.ofAuto();
    MemorySegment images = decode(files, channels, height, width, arena);
    Optional<MemorySegment> classNumbers = Optional.empty();
    if (!classes.isEmpty()) {
      MemorySegment numbers = arena.allocate(ValueLayout.JAVA_INT, labels.size());
      for (int i = 0; i < labels.size(); i++) {
        numbers.setAtIndex(ValueLayout.JAVA_INT, i, labels.get(i));
      }
      classNumbers = Optional.of(numbers.asReadOnly());
    }
    String name = folder.toAbsolutePath().normalize().getFileName().toString();
    return ImageSet.of(
        name,
        files.size(),
        channels,
        height,
        width,
        images.asReadOnly(),
        classNumbers,
        classes.size());
  }

  private static MemorySegment decode(
      List<Path> files, int channels, int height, int width, Arena arena) throws IOException {
    long imageBytes = (long) channels * height * width;
    MemorySegment images = arena.allocate(Math.multiplyExact(imageBytes, (long) files.size()));
    AtomicReferenceArray<IOException> failures = new AtomicReferenceArray<>(files.size());
    IntStream.range(0, files.size())
        .parallel()
        .forEach(
            i -> {
              try {
                byte[] pixels =
                    Resize.apply(
                        PictureDecoder.decode(files.get(i), channels, height, width),
                        height,
                        width);
                MemorySegment.copy(
                    pixels, 0, images, ValueLayout.JAVA_BYTE, i * imageBytes, pixels.length);
              } catch (IOException e) {
                failures.set(i, e);
              }
            });
    for (int i = 0; i < files.size(); i++) {
      if (failures.get(i) != null) {
        throw failures.get(i);
      }
    }
    return images;
  }

  private static List<Path> pictures(Path folder) throws IOException {
    return list(
        folder,
        file -> {
          String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
          return (name.endsWith(".png") || name.endsWith(".jpg") || name.endsWith(".jpeg"))
              && Files.isRegularFile(file);
        });
  }

  private static List<Path> list(Path folder, Predicate<Path> wanted) throws IOException {
    try (Stream<Path> entries = Files.list(folder)) {
      return new ArrayList<>(
          entries
              .filter(file -> !file.getFileName().toString().startsWith("."))
              .filter(wanted)
              .sorted()
              .toList());
    }
  }
}
