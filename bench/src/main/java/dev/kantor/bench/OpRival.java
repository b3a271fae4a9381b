package dev.kantor.bench;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** libtorch's side of the table of ops: a process that times one op whenever it is asked to. */
final class OpRival implements AutoCloseable {
  private static final Gson GSON = new Gson();

  private final Process process;
  private final Writer requests;
  private final BufferedReader answers;

  /**
   * What it took.
   *
   * @param median microseconds a run
   * @param minimum microseconds a run
   */
  record Times(double median, double minimum) {}

  /**
   * Starts it.
   *
   * @param dist what {@code mvn -pl bench/libtorch package} makes
   * @throws IOException if it is not there
   */
  OpRival(Path dist, int threads, double warmUpSeconds, double seconds) throws IOException {
    Path program = dist.resolve("libtorch");
    if (!Files.isExecutable(program)) {
      throw new IOException(
          program + " is not there; build it: mvn -pl bench/libtorch package, or leave --against");
    }
    ProcessBuilder builder =
        new ProcessBuilder(
                List.of(
                    program.toString(),
                    "bench-ops",
                    "--threads",
                    Integer.toString(threads),
                    "--warmup-seconds",
                    Double.toString(warmUpSeconds),
                    "--seconds",
                    Double.toString(seconds)))
            .redirectError(ProcessBuilder.Redirect.INHERIT);
    builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
    builder.environment().keySet().removeAll(List.of("OMP_NUM_THREADS", "MKL_NUM_THREADS"));
    process = builder.start();
    requests = process.outputWriter(StandardCharsets.UTF_8);
    answers =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
  }

  /**
   * Times an op.
   *
   * @throws IOException if it has come to an end; it has then said why on stderr
   */
  Times time(OpCase.Request request) throws IOException {
    requests.write(GSON.toJson(request) + "\n");
    requests.flush();
    String answer = answers.readLine();
    if (answer == null) {
      throw new IOException("libtorch ended while timing " + request.op());
    }
    JsonObject times = GSON.fromJson(answer, JsonObject.class);
    return new Times(
        1e3 * times.get("medianMs").getAsDouble(), 1e3 * times.get("minMs").getAsDouble());
  }

  @Override
  public void close() {
    process.destroy();
  }
}
