package dev.kantor.cli;

import dev.kantor.cli.Pictures.Size;
import dev.kantor.data.DataSet;
import dev.kantor.data.DataSets;
import dev.kantor.data.ImageSet;
import dev.kantor.gan.Samples;
import dev.kantor.train.Manifest;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Images to train on.
 *
 * @param name of the set
 * @param source what opens it again, from wherever: a set's name, or an absolute path
 * @param samples [count, channels, height, width], with labels where the set has some
 * @param test held back for evaluation, where the set has some
 * @param fingerprint of the set before the limit
 */
record Images(
    String name,
    String source,
    Size size,
    Samples samples,
    Optional<Samples> test,
    String fingerprint) {
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
    int count = limit == null ? images.count() : Math.min(limit, images.count());
    String source =
        DataSets.NAMES.contains(data)
            ? images.name()
            : Path.of(data).toAbsolutePath().normalize().toString();
    return new Images(
        images.name(),
        source,
        size,
        first(images, count),
        images.test().map(test -> first(test, test.count())),
        images.fingerprint());
  }

  /**
   * Opens the set of a run again.
   *
   * @param dataDir the folder of the sets if they were moved, else null
   */
  static Images of(Manifest manifest, Path dataDir) throws IOException {
    Map<String, String> environment = manifest.environment();
    String limit = environment.get("limit");
    String sets = environment.get("data-dir");
    return open(
        environment.get("data"),
        dataDir != null ? dataDir : sets != null ? Path.of(sets) : null,
        limit == null ? null : Integer.valueOf(limit),
        System.err);
  }

  private static Samples first(ImageSet set, int count) {
    return new Samples(
        set.images().asSlice(0, (long) count * set.imageBytes()),
        set.labels().map(labels -> labels.asSlice(0, 4L * count)),
        count,
        set.classes());
  }

  long count() {
    return samples.count();
  }
}
