package dev.kantor.cli;

import dev.kantor.cli.Pictures.Size;
import dev.kantor.data.DataSet;
import dev.kantor.data.DataSets;
import dev.kantor.data.ImageSet;
import dev.kantor.data.PointSet;
import dev.kantor.gan.Samples;
import dev.kantor.tensor.DType;
import dev.kantor.train.Manifest;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Samples to train on.
 *
 * @param name of the set
 * @param origin what opens it again, from wherever, as it is in a manifest's environment: {@code
 *     data}, a set's name or an absolute path, and {@code data-dir} and {@code limit} if given
 * @param form what a sample is
 * @param samples the training data, with labels where the set has some
 * @param test held back for evaluation, where the set has some
 * @param fingerprint of the set before the limit
 */
record Images(
    String name,
    Map<String, String> origin,
    Form form,
    Samples samples,
    Optional<Samples> test,
    String fingerprint) {
  private static final String DIGITS = "mnist";
  private static final String STACKED = "stacked-";

  /**
   * Opens a set.
   *
   * @param data a name that {@link DataSets#open} knows, or a folder
   * @param dataDir the folder of the sets, or null for the usual one
   * @param limit takes only so many, the first; null: all
   */
  static Images open(String data, Path dataDir, Integer limit, PrintStream messages)
      throws IOException {
    DataSets.Options options = DataSets.Options.defaults().withMessages(messages);
    options = dataDir == null ? options : options.withDataDir(dataDir);
    // A drawn set's beginning is the same however many are drawn, and drawing takes time.
    options = limit == null ? options : options.withCount(limit);
    DataSet set = DataSets.open(data, options);
    int count = limit == null ? set.count() : Math.min(limit, set.count());
    Map<String, String> origin = new LinkedHashMap<>();
    origin.put(
        "data",
        DataSets.NAMES.contains(data)
            ? set.name()
            : Path.of(data).toAbsolutePath().normalize().toString());
    if (dataDir != null) {
      origin.put("data-dir", dataDir.toAbsolutePath().normalize().toString());
    }
    if (limit != null) {
      origin.put("limit", limit.toString());
    }
    return switch (set) {
      case ImageSet images ->
          new Images(
              images.name(),
              origin,
              new Size(images.channels(), images.height(), images.width()),
              first(images, images.images(), DType.U8, count),
              images.test().map(test -> first(test, test.images(), DType.U8, test.count())),
              images.fingerprint());
      case PointSet points ->
          new Images(
              points.name(),
              origin,
              new Form.Plane(points),
              first(points, points.points(), DType.F32, count),
              Optional.of(others(data, options, count)),
              points.fingerprint());
    };
  }

  /** Points of the same mixture that are not of the set, a sixth as many. */
  private static Samples others(String data, DataSets.Options options, int count)
      throws IOException {
    int number = Math.max(1, count / 6);
    DataSet others = DataSets.open(data, options.withSeed(options.seed() + 1).withCount(number));
    return first(others, ((PointSet) others).points(), DType.F32, number);
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

  private static Samples first(DataSet set, MemorySegment data, DType type, int count) {
    return new Samples(
        data.asSlice(0, data.byteSize() / set.count() * count),
        type,
        set.labels().map(labels -> labels.asSlice(0, 4L * count)),
        count,
        set.classes());
  }

  /** Whether an image is three digits, one a channel. */
  boolean isStacked() {
    return name.equals(STACKED + DIGITS);
  }

  /** The digits that images are stacked of: all, whatever the limit. */
  Images digits() throws IOException {
    String sets = origin.get("data-dir");
    return open(DIGITS, sets == null ? null : Path.of(sets), null, System.err);
  }

  /**
   * Of the images.
   *
   * @throws IllegalArgumentException if the samples are no images
   */
  Size size() {
    if (form instanceof Size size) {
      return size;
    }
    throw new IllegalArgumentException(
        name + " is no set of images; points are evaluated from the folder of a run");
  }

  long count() {
    return samples.count();
  }
}
