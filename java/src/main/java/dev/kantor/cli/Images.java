package dev.kantor.cli;

import dev.kantor.cli.Pictures.Size;
import dev.kantor.data.DataSet;
import dev.kantor.data.DataSets;
import dev.kantor.data.ImageSet;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;

/**
 * Images to train on.
 *
 * @param name of the set
 * @param source what opens it again, from wherever: a set's name, or an absolute path
 * @param bytes u8 [count, channels, height, width]
 * @param fingerprint of the set before the limit
 */
record Images(
    String name, String source, long count, Size size, MemorySegment bytes, String fingerprint) {
  private static final List<String> NOT_IMAGES = List.of("ring", "grid", "stacked-mnist");

  /**
   * Opens a set.
   *
   * @param data a name that {@link DataSets#open} knows, or a folder
   * @param dataDir the folder of the sets, or null for the usual one
   * @param limit takes only so many, the first; null: all
   * @throws IllegalArgumentException if it is nothing that can be trained on
   */
  static Images open(String data, Path dataDir, Integer limit, PrintStream messages)
      throws IOException {
    if (NOT_IMAGES.contains(data)) {
      throw new IllegalArgumentException(
          "there is no variant yet that trains on "
              + data
              + "; use mnist, fashion-mnist, glyphs or a folder");
    }
    DataSets.Options options = DataSets.Options.defaults().withMessages(messages);
    options = dataDir == null ? options : options.withDataDir(dataDir);
    // A drawn set's beginning is the same however many are drawn, and drawing takes time.
    options = limit == null ? options : options.withCount(limit);
    DataSet set = DataSets.open(data, options);
    if (!(set instanceof ImageSet images)) {
      throw new IllegalArgumentException(data + " has no images");
    }
    Size size = new Size(images.channels(), images.height(), images.width());
    long count = limit == null ? images.count() : Math.min(limit, images.count());
    String source =
        DataSets.NAMES.contains(data)
            ? images.name()
            : Path.of(data).toAbsolutePath().normalize().toString();
    return new Images(
        images.name(),
        source,
        count,
        size,
        images.images().asSlice(0, count * images.imageBytes()),
        images.fingerprint());
  }
}
