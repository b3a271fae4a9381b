package dev.kantor.parity;

import dev.kantor.io.ElementType;
import dev.kantor.io.SafeTensors;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;

/**
 * The oracle: libtorch in a process of its own, asked and answering through safetensors files
 * (bench/libtorch).
 */
final class Libtorch {
  private static final Path DIST =
      Path.of(System.getProperty("kantor.libtorch", "../bench/libtorch/target/dist"));
  private static final String PLATFORM = "linux amd64";
  private static final int MINUTES = 5;

  private Libtorch() {}

  /**
   * An array, row-major. Its numbers are floats, so that both sides start from the same ones in
   * either precision.
   *
   * @param dims none for a scalar
   */
  record Tensor(float[] contents, long... dims) {}

  /** Skips the calling test, and says so, where there can be no libtorch or it was not built. */
  static void assume() {
    String platform =
        (System.getProperty("os.name") + " " + System.getProperty("os.arch"))
            .toLowerCase(Locale.ROOT);
    String missing = null;
    if (!platform.equals(PLATFORM)) {
      missing = "libtorch is for " + PLATFORM + ", this is " + platform;
    } else if (!Files.isExecutable(DIST.resolve("libtorch"))) {
      missing =
          DIST.toAbsolutePath().normalize()
              + " has no libtorch; `mvn -pl bench/libtorch package` makes it";
    }
    if (missing != null) {
      System.err.println("SKIPPED, nothing was compared with libtorch: " + missing);
      Assumptions.abort(missing);
    }
  }

  /**
   * Runs a command on one thread.
   *
   * @param command what goes before {@code --in} and {@code --out}
   * @return the tensors that it wrote
   */
  static Map<String, double[]> run(
      Map<String, Tensor> tensors, Map<String, String> metadata, String... command)
      throws IOException {
    Path folder = Files.createTempDirectory("kantor-parity");
    Path in = folder.resolve("in.safetensors");
    Path out = folder.resolve("out.safetensors");
    Path errors = folder.resolve("errors");
    try {
      Map<String, SafeTensors.Entry> entries = new HashMap<>();
      tensors.forEach(
          (name, t) ->
              entries.put(
                  name,
                  new SafeTensors.Entry(
                      ElementType.F32, t.dims, MemorySegment.ofArray(t.contents))));
      SafeTensors.write(in, entries, metadata);
      List<String> line = new ArrayList<>(List.of(DIST.resolve("libtorch").toString()));
      line.addAll(List.of(command));
      line.addAll(List.of("--threads", "1", "--in", in.toString(), "--out", out.toString()));
      fork(line, errors);
      return read(out);
    } finally {
      for (Path file : List.of(in, out, errors, folder)) {
        Files.deleteIfExists(file);
      }
    }
  }

  private static void fork(List<String> line, Path errors) throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(line)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .redirectError(errors.toFile());
    builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
    builder.environment().keySet().removeAll(List.of("OMP_NUM_THREADS", "MKL_NUM_THREADS"));
    Process process = builder.start();
    try {
      if (!process.waitFor(MINUTES, TimeUnit.MINUTES)) {
        throw new IOException("not done in " + MINUTES + " minutes: " + String.join(" ", line));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted: " + String.join(" ", line), e);
    } finally {
      process.destroyForcibly();
    }
    if (process.exitValue() != 0) {
      throw new IOException(
          "exit status " + process.exitValue() + ": " + Files.readString(errors).strip());
    }
  }

  private static Map<String, double[]> read(Path file) throws IOException {
    Map<String, double[]> result = new HashMap<>();
    try (Arena arena = Arena.ofConfined()) {
      SafeTensors.open(file, arena, SafeTensors.Check.STRUCTURE)
          .tensors()
          .forEach(
              (name, t) -> {
                boolean f64 = t.type() == ElementType.F64;
                double[] d = new double[(int) (t.data().byteSize() / t.type().bytes())];
                for (int i = 0; i < d.length; i++) {
                  d[i] =
                      f64
                          ? t.data().get(ValueLayout.JAVA_DOUBLE_UNALIGNED, 8L * i)
                          : t.data().get(ValueLayout.JAVA_FLOAT_UNALIGNED, 4L * i);
                }
                result.put(name, d);
              });
    }
    return result;
  }
}
