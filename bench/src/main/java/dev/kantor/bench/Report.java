package dev.kantor.bench;

import dev.kantor.tensor.Device;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/**
 * Runs the benchmarks and prints tables of rates and of their share of what the machine can do,
 * measured in the same run.
 *
 * <p>Arguments: tables out of {@code ops}, {@code iterations}, {@code calls}; all by default. With
 * {@code --against DIST}, what {@code mvn -pl bench/libtorch package} makes, libtorch takes its
 * turn after each op.
 */
public final class Report {
  private static final List<String> TABLES = List.of("ops", "iterations", "calls");
  private static final int[] THREADS = {1, 2};
  private static final TimeValue WARM_UP = TimeValue.milliseconds(500);
  private static final TimeValue COMPILED =
      TimeValue.seconds(3); // before that the compiler is not done with the vectors
  private static final TimeValue MEASURED = TimeValue.milliseconds(500);
  private static final int ROUNDS = 4;
  private static final String AGAINST = "--against";
  private static final double RIVAL_WARM_UP_SECONDS = 0.5;
  private static final double RIVAL_SECONDS = 2; // as long as all rounds

  /**
   * What the machine can do with a number of threads.
   *
   * @param flops operations in a nanosecond
   * @param copies bytes read and written in a nanosecond, by the bytes that are copied to and fro
   */
  private record Peak(double flops, TreeMap<Double, Double> copies) {
    /** The rate of the copy whose size is nearest, as a ratio. */
    double copy(double bytes) {
      Comparator<Double> distance =
          Comparator.comparingDouble(size -> Math.abs(Math.log(size / bytes)));
      return copies.get(copies.keySet().stream().min(distance).orElseThrow());
    }
  }

  private Report() {}

  public static void main(String[] arguments) throws RunnerException, IOException {
    List<String> wanted = new ArrayList<>(List.of(arguments));
    Path rival = null;
    int against = wanted.indexOf(AGAINST);
    if (against >= 0 && against + 1 < wanted.size()) {
      rival = Path.of(wanted.remove(against + 1));
      wanted.remove(against);
    }
    if (!TABLES.containsAll(wanted)) {
      System.err.println(
          "expected tables out of "
              + String.join(", ", TABLES)
              + " and perhaps "
              + AGAINST
              + " DIST, got "
              + String.join(" ", arguments));
      System.exit(2);
    }
    if (wanted.isEmpty()) {
      wanted = TABLES;
    }
    try (Device device = Device.open("cpu", 0)) {
      System.out.println(device.describe());
    }
    if (wanted.contains("calls")) {
      calls();
    }
    if (wanted.contains("ops") || wanted.contains("iterations")) {
      for (int threads : THREADS) {
        if (threads <= Runtime.getRuntime().availableProcessors()) {
          Peak peak = peak(threads);
          if (wanted.contains("ops")) {
            ops(threads, peak, rival);
          }
          if (wanted.contains("iterations")) {
            iterations(threads, peak);
          }
        }
      }
    }
  }

  private static void calls() throws RunnerException {
    System.out.printf("%n%-34s %10s%n", "a call", "ns");
    List<String> kinds = List.of("javacpp", "ffm", "ffmCritical");
    Map<String, String> functions =
        Map.of("None", "kt_abi_version, no arguments", "Four", "kt_memory_read, 4 arguments");
    for (String function : List.of("None", "Four")) {
      for (String kind : kinds) {
        RunResult r =
            run(CallBenchmark.class, "\\." + kind + function + "$", options(1)).getFirst();
        // Whatever disturbs makes it slower, so the fastest round is nearest to the truth.
        double best =
            r.getBenchmarkResults().stream()
                .flatMap(b -> b.getIterationResults().stream())
                .mapToDouble(i -> i.getPrimaryResult().getScore())
                .min()
                .orElseThrow();
        System.out.printf(Locale.ROOT, "%-12s %-34s %6.1f%n", kind, functions.get(function), best);
      }
    }
  }

  private static Peak peak(int threads) throws RunnerException {
    double flops =
        PeakBenchmark.FLOPS
            * (double) threads
            / minimum(
                run(PeakBenchmark.class, "\\.fma$", options(threads).warmupTime(COMPILED))
                    .getFirst());
    TreeMap<Double, Double> copies = new TreeMap<>();
    for (RunResult r : run(PeakBenchmark.class, "\\.copy$", options(threads))) {
      double bytes = Double.parseDouble(r.getParams().getParam("bytes")) * threads;
      copies.put(bytes, bytes / minimum(r));
    }
    System.out.printf(
        Locale.ROOT,
        "%nWhat %d thread(s) can do: %.1f GFLOP/s of fused multiply-adds in registers; copies"
            + " of%s%n",
        threads,
        flops,
        copies.entrySet().stream()
            .map(
                e ->
                    String.format(
                        Locale.ROOT, " %.1f MB %.1f GB/s", e.getKey() / 1e6, e.getValue()))
            .reduce((a, b) -> a + "," + b)
            .orElseThrow());
    return new Peak(flops, copies);
  }

  private static void ops(int threads, Peak peak, Path dist) throws RunnerException, IOException {
    System.out.printf(
        "%n%-36s %7s %11s %11s %16s %8s%s%n",
        "op",
        "threads",
        "median us",
        "minimum us",
        "rate",
        "of peak",
        dist == null ? "" : "  libtorch median, minimum   ratios");
    try (OpRival rival =
        dist == null ? null : new OpRival(dist, threads, RIVAL_WARM_UP_SECONDS, RIVAL_SECONDS)) {
      for (OpCase c : OpCase.ALL) {
        ChainedOptionsBuilder options =
            options(1).param("name", c.name()).param("threads", Integer.toString(threads));
        RunResult r = run(OpBenchmark.class, "", options).getFirst();
        double median = median(r) / 1e3;
        double minimum = minimum(r) / 1e3;
        double rate = c.work() / minimum(r);
        System.out.printf(
            Locale.ROOT,
            "%-36s %7d %11.1f %11.1f %8.1f %-7s %8s%s%n",
            c.name(),
            threads,
            median,
            minimum,
            rate,
            c.unit().rate,
            share(rate, c, peak),
            rival == null ? "" : beside(rival.time(c.rival()), median, minimum));
      }
    }
  }

  private static String share(double rate, OpCase c, Peak peak) {
    double best =
        switch (c.unit()) {
          case FLOP -> peak.flops;
          case BYTE -> peak.copy(c.work());
          case NUMBER -> Double.NaN;
        };
    return Double.isNaN(best) ? "-" : String.format(Locale.ROOT, "%.0f %%", 100 * rate / best);
  }

  private static String beside(OpRival.Times rival, double median, double minimum) {
    return String.format(
        Locale.ROOT,
        "  %11.1f %11.1f %7.2f %6.2f",
        rival.median(),
        rival.minimum(),
        rival.median() / median,
        rival.minimum() / minimum);
  }

  private static void iterations(int threads, Peak peak) throws RunnerException, IOException {
    System.out.printf(
        "%n%-10s %5s %7s %11s %11s %10s %8s %9s%n",
        "iteration",
        "batch",
        "threads",
        "median ms",
        "minimum ms",
        "GFLOP/s",
        "of peak",
        "floor ms");
    for (RunResult r :
        run(IterationBenchmark.class, "", options(1).param("threads", Integer.toString(threads)))) {
      String variant = r.getParams().getParam("variant");
      int batch = Integer.parseInt(r.getParams().getParam("batch"));
      double flops;
      try (Iteration iteration = new Iteration(variant, batch, 1)) {
        flops = iteration.flops();
      }
      double rate = flops / minimum(r);
      System.out.printf(
          Locale.ROOT,
          "%-10s %5d %7d %11.3f %11.3f %10.1f %6.0f %% %9.3f%n",
          variant,
          batch,
          threads,
          median(r) / 1e6,
          minimum(r) / 1e6,
          rate,
          100 * rate / peak.flops,
          flops / peak.flops / 1e6);
    }
  }

  private static double median(RunResult r) {
    return r.getPrimaryResult().getStatistics().getPercentile(50);
  }

  private static double minimum(RunResult r) {
    return r.getPrimaryResult().getStatistics().getMin();
  }

  private static ChainedOptionsBuilder options(int threads) {
    return new OptionsBuilder()
        .verbosity(VerboseMode.SILENT)
        .shouldFailOnError(true)
        .forks(1)
        .threads(threads)
        .warmupIterations(1)
        .warmupTime(WARM_UP)
        .measurementIterations(ROUNDS)
        .measurementTime(MEASURED);
  }

  /** The results of the benchmarks of a class whose names match. */
  private static List<RunResult> run(
      Class<?> benchmarks, String pattern, ChainedOptionsBuilder options) throws RunnerException {
    return List.copyOf(
        new Runner(options.include(benchmarks.getName().replace(".", "\\.") + pattern).build())
            .run());
  }
}
