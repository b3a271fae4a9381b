package dev.kantor.data;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

/** Opens data sets by name or folder. */
public final class DataSets {
  /** The names that {@link #open} knows, besides folders. */
  public static final List<String> NAMES =
      List.of("auto", "mnist", "fashion-mnist", "glyphs", "ring", "grid", "stacked-mnist");

  /** MNIST's size; drawn and sampled sets have as many. */
  public static final int DEFAULT_COUNT = 60_000;

  private final IdxSource mnist;
  private final IdxSource fashionMnist;

  DataSets(IdxSource mnist, IdxSource fashionMnist) {
    this.mnist = mnist;
    this.fashionMnist = fashionMnist;
  }

  /**
   * How a set is opened.
   *
   * @param dataDir the folder with a folder a set
   * @param seed of sets that are drawn or sampled: glyphs, ring, grid, stacked-mnist
   * @param count how many training samples such sets have
   * @param channels of the images of a picture folder: 1 grey, 3 RGB; other sets have their own
   * @param height of the images of a picture folder
   * @param width of the images of a picture folder
   * @param messages gets progress and notices
   */
  public record Options(
      Path dataDir,
      long seed,
      int count,
      int channels,
      int height,
      int width,
      PrintStream messages) {
    public Options {
      Objects.requireNonNull(dataDir);
      Objects.requireNonNull(messages);
      if (count < 1) {
        throw new IllegalArgumentException("the number of samples must be positive: " + count);
      }
      if (channels != 1 && channels != 3) {
        throw new IllegalArgumentException("channels are 1 (grey) or 3 (RGB), not " + channels);
      }
      if (height < 1 || width < 1 || height > 4096 || width > 4096) {
        throw new IllegalArgumentException(
            "height and width lie in [1, 4096], not " + height + " x " + width);
      }
    }

    /**
     * {@value DataSets#DEFAULT_COUNT} samples, seed 0, grey 28 x 28, the default data folder,
     * notices to stderr.
     */
    public static Options defaults() {
      return new Options(defaultDataDir(), 0, DEFAULT_COUNT, 1, 28, 28, System.err);
    }

    public Options withDataDir(Path value) {
      return new Options(value, seed, count, channels, height, width, messages);
    }

    public Options withSeed(long value) {
      return new Options(dataDir, value, count, channels, height, width, messages);
    }

    public Options withCount(int value) {
      return new Options(dataDir, seed, value, channels, height, width, messages);
    }

    public Options withImages(int newChannels, int newHeight, int newWidth) {
      return new Options(dataDir, seed, count, newChannels, newHeight, newWidth, messages);
    }

    public Options withMessages(PrintStream value) {
      return new Options(dataDir, seed, count, channels, height, width, value);
    }
  }

  /** The folder named by the environment variable KANTOR_DATA, else {@code ~/.cache/kantor}. */
  public static Path defaultDataDir() {
    String named = System.getenv("KANTOR_DATA");
    return named != null && !named.isBlank()
        ? Path.of(named)
        : Path.of(System.getProperty("user.home"), ".cache", "kantor");
  }

  /**
   * Opens a data set: one of {@link #NAMES}, or a folder of pictures or of IDX files called as
   * MNIST's. {@code mnist} and {@code fashion-mnist} are looked for in the data folder, else
   * downloaded into it; {@code auto} is MNIST if it can be had, else glyphs, with a notice.
   *
   * @throws DownloadException if a set is not in the data folder and cannot be downloaded; says
   *     what to do
   * @throws dev.kantor.io.FormatException if a file is damaged or is something else
   * @throws IOException if there is no such set or folder, or a file cannot be read
   */
  public static DataSet open(String data, Options options) throws IOException {
    return new DataSets(IdxSource.MNIST, IdxSource.FASHION_MNIST).find(data, options);
  }

  DataSet find(String data, Options options) throws IOException {
    return switch (data) {
      case "auto" -> auto(options);
      case "mnist" -> published(mnist, options);
      case "fashion-mnist" -> published(fashionMnist, options);
      case "glyphs" -> Glyphs.draw(options.count, options.seed);
      case "ring" -> PointSet.ring(options.count, options.seed);
      case "grid" -> PointSet.grid(options.count, options.seed);
      case "stacked-mnist" ->
          StackedDigits.of(published(mnist, options), options.count, options.seed);
      default -> folder(data, options);
    };
  }

  private ImageSet auto(Options options) throws IOException {
    try {
      return published(mnist, options);
    } catch (DownloadException e) {
      options.messages.println(
          "NOTICE: MNIST is not to be had, so this runs on glyphs, digits drawn by the program"
              + " itself.");
      options.messages.println(
          "NOTICE: figures are not comparable with MNIST's. Reason: " + e.getMessage());
      return Glyphs.draw(options.count, options.seed);
    }
  }

  private static ImageSet published(IdxSource source, Options options) throws IOException {
    Path folder = options.dataDir.resolve(source.name());
    if (!IdxFolder.isIn(folder)) {
      source.fetch(folder, options.messages);
    }
    return IdxFolder.read(source.name(), folder);
  }

  private static ImageSet folder(String data, Options options) throws IOException {
    Path folder = Path.of(data);
    if (!Files.isDirectory(folder)) {
      throw new IOException(
          "there is no data set and no folder "
              + data
              + "; use "
              + String.join(", ", NAMES)
              + " or a folder of pictures");
    }
    if (IdxFolder.isIn(folder)) {
      return IdxFolder.read(folder.toAbsolutePath().normalize().getFileName().toString(), folder);
    }
    return ImageFolder.read(folder, options.channels, options.height, options.width);
  }
}
