package dev.kantor.bench.libtorch;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;

/**
 * Repeats some work for {@code --seconds} after {@code --warmup-seconds} of it.
 *
 * <p>The result has {@code medianMs}, {@code minMs}, {@code p10Ms} a repetition, {@code cpuMs}, the
 * processor time of all threads a repetition (with one thread, of use where the machine is shared),
 * {@code iterations}, and {@code peakRssMiB} of the whole process.
 */
final class Stopwatch {
  static final double MS_PER_SECOND = 1e3;

  private static final double NANOS_PER_MS = 1e6;
  private static final double NANOS_PER_SECOND = 1e9;

  private Stopwatch() {}

  static Map<String, Object> time(Options options, Runnable work) throws IOException {
    double warmup = options.number("warmup-seconds", 3);
    double seconds = options.number("seconds", 5);
    repeat(work, warmup);
    long cpu = cpuNanos();
    long[] nanos = repeat(work, seconds);
    cpu = cpuNanos() - cpu;
    Arrays.sort(nanos);
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("medianMs", nanos[nanos.length / 2] / NANOS_PER_MS);
    result.put("minMs", nanos[0] / NANOS_PER_MS);
    result.put("p10Ms", nanos[nanos.length / 10] / NANOS_PER_MS);
    result.put("cpuMs", cpu / NANOS_PER_MS / nanos.length);
    result.put("iterations", nanos.length);
    result.put("peakRssMiB", peakRssMiB());
    return result;
  }

  private static long cpuNanos() {
    return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
        .getProcessCpuTime();
  }

  /** Runs at least one iteration, and until the time is over; returns what each took. */
  private static long[] repeat(Runnable iteration, double seconds) {
    long[] nanos = new long[1024];
    int count = 0;
    long begin = System.nanoTime();
    long before = begin;
    do {
      try (var _ = new PointerScope()) {
        iteration.run();
      }
      long after = System.nanoTime();
      if (count == nanos.length) {
        nanos = Arrays.copyOf(nanos, 2 * count);
      }
      nanos[count++] = after - before;
      before = after;
    } while (before - begin < seconds * NANOS_PER_SECOND);
    return Arrays.copyOf(nanos, count);
  }

  private static double peakRssMiB() throws IOException {
    return Files.readAllLines(Path.of("/proc/self/status")).stream()
        .filter(line -> line.startsWith("VmHWM:"))
        .mapToDouble(line -> Double.parseDouble(line.replaceAll("\\D", "")) / 1024)
        .findFirst()
        .orElseThrow(() -> new IOException("/proc/self/status has no VmHWM"));
  }
}
