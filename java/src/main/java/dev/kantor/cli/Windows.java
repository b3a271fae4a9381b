package dev.kantor.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.kantor.graph.Program;
import dev.kantor.nativelib.KantorException;
import dev.kantor.nativelib.Status;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;

/**
 * How long training iterations take in windows of many that are replayed in one call, as training
 * replays them: on a GPU a single one is over before it can be waited for.
 *
 * @param variant trained, with one critic step an iteration
 * @param batch size of a batch
 * @param precision of products and convolutions
 * @param ms milliseconds an iteration, a window each
 * @param nodes launches an iteration
 * @param flops of an iteration
 * @param deviceBytes parameters, moments, working memory and the data set
 * @param prepareSeconds from the open device to the end of the first iteration
 */
record Windows(
    String variant,
    int batch,
    String precision,
    List<Double> ms,
    long nodes,
    long flops,
    long deviceBytes,
    double prepareSeconds) {
  static final String HEADER =
      String.format(
          "%-10s %5s %9s |%9s %9s %11s %12s |%6s %8s %8s",
          "iteration",
          "batch",
          "precision",
          "median ms",
          "min ms",
          "a second",
          "images/s",
          "nodes",
          "start s",
          "MiB");

  /** A window is about so long. */
  private static final double WINDOW_SECONDS = 0.1;

  private static final double NANOS_PER_SECOND = 1e9;

  Windows {
    ms = List.copyOf(ms);
    if (ms.isEmpty()) {
      throw new IllegalArgumentException("there must be a window");
    }
  }

  /**
   * Times a session's iterations for some seconds, after as many that warm up as a window has.
   *
   * @param opens makes the session, which is closed in the end
   */
  static Windows measure(
      String variant,
      int batch,
      String precision,
      Images images,
      Supplier<Session> opens,
      double seconds) {
    long begin = System.nanoTime();
    try (Session session = opens.get()) {
      Program p = session.job().iteration();
      p.run(1);
      double prepare = secondsSince(begin);
      long n = 1;
      double took = timed(p, n);
      while (took < WINDOW_SECONDS / 4 && took < seconds) {
        n *= 2;
        took = timed(p, n);
      }
      n = Math.max(1, Math.round(n * WINDOW_SECONDS / took));
      timed(p, n);
      List<Double> ms = new ArrayList<>();
      long start = System.nanoTime();
      do {
        ms.add(1e3 * timed(p, n) / n);
      } while (secondsSince(start) < seconds);
      JsonObject lowered = JsonParser.parseString(p.describeNative()).getAsJsonObject();
      long bytes =
          session.state().bytes()
              + p.arenaBytes()
              + lowered.get("scratchBytes").getAsLong()
              + images.samples().data().byteSize();
      return new Windows(
          variant,
          batch,
          precision,
          ms,
          lowered.get(lowered.has("nodes") ? "nodes" : "stages").getAsLong(),
          p.flops(),
          bytes,
          prepare);
    }
  }

  /**
   * Seconds that a run takes.
   *
   * @throws KantorException if it met a fault: a run after that would do nothing, and fast
   */
  static double timed(Program p, long iterations) {
    long start = System.nanoTime();
    Status status = p.run(iterations).status();
    double seconds = secondsSince(start);
    if (status != Status.OK) {
      throw new KantorException(
          status,
          "the training that was timed met a value that is not finite; time fewer iterations, or"
              + " lower the learning-rate");
    }
    return seconds;
  }

  private static double secondsSince(long nanos) {
    return (System.nanoTime() - nanos) / NANOS_PER_SECOND;
  }

  /** Since this process was started, the start of the JVM included. */
  static double processSeconds() {
    Instant now = Instant.now();
    Instant start = ProcessHandle.current().info().startInstant().orElse(now);
    return Duration.between(start, now).toNanos() / NANOS_PER_SECOND;
  }

  /** Rounds of the same as one: the windows of all, the least time to prepare. */
  static Windows of(List<Windows> rounds) {
    Windows first = rounds.getFirst();
    return new Windows(
        first.variant,
        first.batch,
        first.precision,
        rounds.stream().flatMap(w -> w.ms.stream()).toList(),
        first.nodes,
        first.flops,
        first.deviceBytes,
        rounds.stream().mapToDouble(Windows::prepareSeconds).min().orElseThrow());
  }

  double medianMs() {
    double[] sorted = ms.stream().mapToDouble(Double::doubleValue).sorted().toArray();
    return (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2;
  }

  double minMs() {
    return ms.stream().mapToDouble(Double::doubleValue).min().orElseThrow();
  }

  /**
   * A line under {@link #HEADER}.
   *
   * @param startSeconds from the start of the process to the open device
   */
  String line(double startSeconds) {
    return String.format(
        Locale.ROOT,
        "%-10s %5d %9s |%9.4f %9.4f %,11.0f %,12.0f |%6d %8.2f %,8.0f",
        variant,
        batch,
        precision,
        medianMs(),
        minMs(),
        1e3 / medianMs(),
        1e3 / medianMs() * batch,
        nodes,
        startSeconds + prepareSeconds,
        deviceBytes / 1048576.0);
  }

  JsonObject toJson(double startSeconds) {
    JsonObject o = new JsonObject();
    o.addProperty("variant", variant);
    o.addProperty("batchSize", batch);
    o.addProperty("criticSteps", 1);
    o.addProperty("precision", precision);
    o.addProperty("medianMs", medianMs());
    o.addProperty("minMs", minMs());
    JsonArray all = new JsonArray();
    ms.forEach(all::add);
    o.add("windowsMs", all);
    o.addProperty("nodes", nodes);
    o.addProperty("flops", flops);
    o.addProperty("deviceBytes", deviceBytes);
    o.addProperty("startSeconds", startSeconds);
    o.addProperty("prepareSeconds", prepareSeconds);
    return o;
  }
}
