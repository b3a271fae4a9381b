package dev.kantor.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * How long something took in a round of repetitions.
 *
 * @param medianMs milliseconds
 * @param minMs milliseconds
 * @param cpuMs processor time of all threads, milliseconds; of use with one thread where others use
 *     the machine too
 * @param repetitions how many
 */
record Timing(double medianMs, double minMs, double cpuMs, int repetitions) {
  private static final double NANOS_PER_MS = 1e6;
  private static final double NANOS_PER_SECOND = 1e9;

  /** Times repetitions, one by one, for some seconds after some to warm up. */
  static Timing measure(Runnable repetition, double warmUpSeconds, double seconds) {
    repeat(repetition, warmUpSeconds);
    Duration before = processorTime();
    long[] nanos = repeat(repetition, seconds);
    Duration cpu = processorTime().minus(before);
    Arrays.sort(nanos);
    return new Timing(
        nanos[nanos.length / 2] / NANOS_PER_MS,
        nanos[0] / NANOS_PER_MS,
        cpu.toNanos() / NANOS_PER_MS / nanos.length,
        nanos.length);
  }

  /** The median of the medians, the least of the minima and the median of the processor times. */
  static Timing of(List<Timing> rounds) {
    return new Timing(
        median(rounds, Timing::medianMs),
        rounds.stream().mapToDouble(Timing::minMs).min().orElseThrow(),
        median(rounds, Timing::cpuMs),
        rounds.stream().mapToInt(Timing::repetitions).sum());
  }

  private static double median(List<Timing> rounds, ToDoubleFunction<Timing> value) {
    double[] sorted = rounds.stream().mapToDouble(value).sorted().toArray();
    return (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2;
  }

  private static Duration processorTime() {
    return ProcessHandle.current().info().totalCpuDuration().orElse(Duration.ZERO);
  }

  private static long[] repeat(Runnable repetition, double seconds) {
    long[] nanos = new long[1024];
    int count = 0;
    long begin = System.nanoTime();
    long before = begin;
    do {
      repetition.run();
      long after = System.nanoTime();
      if (count == nanos.length) {
        nanos = Arrays.copyOf(nanos, 2 * count);
      }
      nanos[count++] = after - before;
      before = after;
    } while (before - begin < seconds * NANOS_PER_SECOND);
    return Arrays.copyOf(nanos, count);
  }

  private JsonObject toJson() {
    JsonObject o = new JsonObject();
    o.addProperty("medianMs", medianMs);
    o.addProperty("minMs", minMs);
    o.addProperty("cpuMs", cpuMs);
    o.addProperty("repetitions", repetitions);
    return o;
  }

  /** All rounds together, and each. */
  static JsonObject toJson(List<Timing> rounds) {
    JsonObject o = of(rounds).toJson();
    JsonArray each = new JsonArray();
    rounds.forEach(r -> each.add(r.toJson()));
    o.add("rounds", each);
    return o;
  }
}
