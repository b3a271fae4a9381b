package dev.kantor.data;

import dev.kantor.io.AtomicFile;
import dev.kantor.io.Idx;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/**
 * A published data set: where its packed IDX files can be fetched, and what they must be.
 *
 * @param name the set's name and its folder in the data folder
 * @param mirrors addresses of folders that hold the files, tried in this order
 */
record IdxSource(String name, List<URI> mirrors, List<Part> parts) {
  /** What a checksum is taken over. */
  enum Over {
    PACKED,
    UNPACKED
  }

  /**
   * One file, published as {@code file.gz}.
   *
   * @param file its name, unpacked
   * @param dims its dimensions
   * @param algorithm of the checksum, as {@link MessageDigest} calls it
   */
  record Part(String file, long[] dims, String algorithm, Over over, String checksum) {}

  private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(5);
  private static final Duration READ_TIMEOUT = Duration.ofSeconds(20);
  private static final int BAR_WIDTH = 90;
  private static final int BAR_UPDATE_MILLIS = 200;
  private static final long[] TRAIN = {60_000, 28, 28};
  private static final long[] TEST = {10_000, 28, 28};

  IdxSource {
    mirrors = List.copyOf(mirrors);
    parts = List.copyOf(parts);
  }

  /**
   * MNIST (LeCun, Cortes, Burges). The first home of the files asks for a password now; these two
   * mirrors are open.
   */
  static final IdxSource MNIST =
      new IdxSource(
          "mnist",
          List.of(
              URI.create("https://ossci-datasets.s3.amazonaws.com/mnist/"),
              URI.create("https://storage.googleapis.com/cvdf-datasets/mnist/")),
          List.of(
              sha256(
                  IdxFolder.TRAIN_IMAGES,
                  "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                  TRAIN),
              sha256(
                  IdxFolder.TRAIN_LABELS,
                  "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
                  TRAIN[0]),
              sha256(
                  IdxFolder.TEST_IMAGES,
                  "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                  TEST),
              sha256(
                  IdxFolder.TEST_LABELS,
                  "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
                  TEST[0])));

  /**
   * Fashion-MNIST (Xiao, Rasul, Vollgraf 2017). Its authors publish MD5 sums of the packed files.
   */
  static final IdxSource FASHION_MNIST =
      new IdxSource(
          "fashion-mnist",
          List.of(
              URI.create("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"),
              URI.create(
                  "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/")),
          List.of(
              md5(IdxFolder.TRAIN_IMAGES, "8d4fb7e6c68d591d4c3dfef9ec88bf0d", TRAIN),
              md5(IdxFolder.TRAIN_LABELS, "25c81989df183df01b3e8a0aad5dffbe", TRAIN[0]),
              md5(IdxFolder.TEST_IMAGES, "bef4ecab320f06d8554ea6380940ec79", TEST),
              md5(IdxFolder.TEST_LABELS, "bb300cfdad3c16e7a12a480ee83cd310", TEST[0])));

  /**
   * Fetches the files that {@code folder} lacks, unpacks and checks them. A file appears whole and
   * right or not at all.
   *
   * @param messages gets a progress bar
   * @throws DownloadException if a file cannot be had from any mirror, or the folder cannot be
   *     written
   */
  void fetch(Path folder, PrintStream messages) throws DownloadException {
    try {
      Files.createDirectories(folder);
    } catch (IOException e) {
      throw failed(folder, "cannot create the folder " + folder, e);
    }
    for (Part part : parts) {
      if (IdxFolder.find(folder, part.file).isEmpty()) {
        fetch(part, folder, messages);
      }
    }
  }

  private void fetch(Part part, Path folder, PrintStream messages) throws DownloadException {
    StringBuilder reasons = new StringBuilder();
    IOException last = null;
    for (URI mirror : mirrors) {
      URI address = mirror.resolve(part.file + ".gz");
      try {
        fetch(part, address, folder.resolve(part.file), messages);
        return;
      } catch (IOException e) {
        reasons
            .append(reasons.isEmpty() ? "" : "; ")
            .append(address)
            .append(": ")
            .append(reason(e));
        last = e;
      }
    }
    throw failed(folder, reasons.toString(), last);
  }

  private DownloadException failed(Path folder, String reasons, IOException cause) {
    return new DownloadException(
        "cannot download "
            + name
            + " ("
            + reasons
            + "). Put its IDX files into "
            + folder
            + ", name a data folder that has them with --data-dir, or use --data glyphs, which"
            + " needs no network",
        cause);
  }

  private void fetch(Part part, URI address, Path file, PrintStream messages) throws IOException {
    HttpURLConnection connection = (HttpURLConnection) address.toURL().openConnection();
    connection.setConnectTimeout((int) CONNECT_TIMEOUT.toMillis());
    connection.setReadTimeout((int) READ_TIMEOUT.toMillis());
    try {
      int status = connection.getResponseCode();
      if (status != HttpURLConnection.HTTP_OK) {
        throw new IOException("the mirror answers with HTTP status " + status);
      }
      try (InputStream body = connection.getInputStream();
          ProgressBar bar = progressBar(part, messages)) {
        AtomicFile.write(file, out -> unpack(part, body, out, bar));
      }
    } finally {
      connection.disconnect();
    }
  }

  private void unpack(Part part, InputStream body, OutputStream out, ProgressBar bar)
      throws IOException {
    DigestInputStream packed = new DigestInputStream(body, digest(part));
    packed.on(part.over == Over.PACKED);
    try (DigestInputStream unpacked =
        new DigestInputStream(new GZIPInputStream(packed, 1 << 16), digest(part))) {
      unpacked.on(part.over == Over.UNPACKED);
      byte[] header = Idx.header(part.dims);
      byte[] found = unpacked.readNBytes(header.length);
      if (!Arrays.equals(header, found)) {
        throw new IOException("the mirror's file is not the expected IDX file");
      }
      out.write(found);
      long left = elements(part);
      byte[] chunk = new byte[1 << 16];
      for (int n = unpacked.read(chunk); n >= 0; n = unpacked.read(chunk)) {
        left -= n;
        if (left < 0) {
          throw new IOException("the mirror's file is longer than expected");
        }
        out.write(chunk, 0, n);
        bar.stepBy(n);
      }
      if (left > 0) {
        throw new EOFException("short by " + left + " bytes");
      }
      if (packed.read() >= 0) {
        throw new IOException("something follows the mirror's file");
      }
      DigestInputStream checked = part.over == Over.PACKED ? packed : unpacked;
      String sum = HexFormat.of().formatHex(checked.getMessageDigest().digest());
      if (!sum.equals(part.checksum)) {
        throw new IOException(
            "wrong checksum: " + part.algorithm + " is " + sum + ", expected " + part.checksum);
      }
    } catch (EOFException e) {
      throw new IOException("the mirror's answer ended early", e);
    } catch (ZipException e) {
      throw new IOException("the mirror's file is not a sound gzip file", e);
    }
  }

  private ProgressBar progressBar(Part part, PrintStream messages) {
    return new ProgressBarBuilder()
        .setTaskName(name + "/" + part.file)
        .setInitialMax(elements(part))
        .setUnit(" KiB", 1 << 10)
        .setStyle(ProgressBarStyle.ASCII)
        .setUpdateIntervalMillis(BAR_UPDATE_MILLIS)
        .setConsumer(new ConsoleProgressBarConsumer(messages, BAR_WIDTH))
        .build();
  }

  private static long elements(Part part) {
    return Arrays.stream(part.dims).reduce(1, Math::multiplyExact);
  }

  private static String reason(IOException e) {
    return e instanceof UnknownHostException
        ? "the host is unknown (no network?)"
        : String.valueOf(e.getMessage());
  }

  private static MessageDigest digest(Part part) {
    try {
      return MessageDigest.getInstance(part.algorithm);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform must have " + part.algorithm, e);
    }
  }

  private static Part sha256(String file, String checksum, long... dims) {
    return new Part(file, dims, "SHA-256", Over.UNPACKED, checksum);
  }

  private static Part md5(String file, String checksum, long... dims) {
    return new Part(file, dims, "MD5", Over.PACKED, checksum);
  }
}
