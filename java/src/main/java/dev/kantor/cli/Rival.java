package dev.kantor.cli;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * libtorch, built in {@code bench/libtorch} of a checkout and run in a process of its own.
 *
 * @param program its launcher
 */
record Rival(Path program) {
  /** What it can train and draw from. */
  static final List<String> VARIANTS =
      List.of("gan", "wgan", "wgan-gp", "dcgan", "wdcgan", "wdcgan-gp", "cvae-gan");

  private static final Path MODULE = Path.of("bench", "libtorch");

  /**
   * Finds it in the checkout that this program was built in.
   *
   * @throws IOException saying how to build it, if it is not there
   */
  static Rival find() throws IOException {
    Path checkout = place();
    while (checkout != null && !Files.exists(checkout.resolve(MODULE).resolve("pom.xml"))) {
      checkout = checkout.getParent();
    }
    if (checkout == null) {
      throw new IOException(
          "--against libtorch needs a checkout of Kantor, with its folder " + MODULE);
    }
    Path program = checkout.resolve(MODULE).resolve("target/dist/libtorch");
    if (!Files.isExecutable(program)) {
      throw new IOException(
          "libtorch is not built yet; build it (the first time it downloads 200 MB): (cd "
              + checkout
              + " && mvn -pl "
              + MODULE
              + " package)");
    }
    return new Rival(program);
  }

  private static Path place() throws IOException {
    try {
      return Path.of(Rival.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    } catch (URISyntaxException e) {
      throw new IOException("the place of this program has no name", e);
    }
  }

  /** Times training iterations of one critic step. */
  Timing iteration(String variant, int batch, int threads, double warmUpSeconds, double seconds)
      throws IOException {
    return run(
        threads,
        warmUpSeconds,
        seconds,
        "bench",
        "--critic-steps",
        "1",
        "--variant",
        variant,
        "--batch-size",
        Integer.toString(batch));
  }

  /** Times the drawing of a batch of samples from a variant's generator. */
  Timing sampling(String variant, int batch, int threads, double warmUpSeconds, double seconds)
      throws IOException {
    return run(
        threads,
        warmUpSeconds,
        seconds,
        "bench-sample",
        "--variant",
        variant,
        "--batch-size",
        Integer.toString(batch));
  }

  private Timing run(int threads, double warmUpSeconds, double seconds, String... arguments)
      throws IOException {
    List<String> command = new ArrayList<>(List.of(program.toString()));
    command.addAll(List.of(arguments));
    command.addAll(
        List.of(
            "--threads",
            Integer.toString(threads),
            "--warmup-seconds",
            Double.toString(warmUpSeconds),
            "--seconds",
            Double.toString(seconds)));
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
    builder.environment().keySet().removeAll(List.of("OMP_NUM_THREADS", "MKL_NUM_THREADS"));
    Process process = builder.start();
    try {
      String result = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      String messages = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
      int status = process.waitFor();
      if (status != 0) {
        throw new IOException(program + " failed with status " + status + ": " + messages.strip());
      }
      JsonObject o = JsonParser.parseString(result).getAsJsonObject();
      return new Timing(
          o.get("medianMs").getAsDouble(),
          o.get("minMs").getAsDouble(),
          o.get("cpuMs").getAsDouble(),
          o.get("iterations").getAsInt());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    } finally {
      process.destroy();
    }
  }
}
