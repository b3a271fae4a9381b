package dev.kantor.compare;

import dev.kantor.io.AtomicFile;
import dev.kantor.train.Evaluated;
import dev.kantor.train.EvaluationLog;
import dev.kantor.train.Manifest;
import dev.kantor.train.MetricsLog;
import dev.kantor.train.RunFolder;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * What came of one training.
 *
 * @param seed of its random numbers
 * @param folder where it is
 * @param manifest what it is
 * @param metrics its rows
 * @param evaluations the earliest first
 * @param layers the critic's, as they are at the end
 * @param fault why it ended early, if it diverged
 */
public record RunResult(
    long seed,
    Path folder,
    Manifest manifest,
    MetricsLog.Table metrics,
    List<Evaluated> evaluations,
    List<LayerWeights> layers,
    Optional<String> fault) {
  /** Where a run that diverged says so. */
  private static final String FAULT = "diverged.txt";

  /** Grids of samples, one for each evaluation. */
  private static final String GRIDS = "grids";

  /** Two numbers of images that differ by less count as equal: batches do not divide a data set. */
  private static final double EQUAL = 0.1;

  public RunResult {
    evaluations = List.copyOf(evaluations);
    layers = List.copyOf(layers);
  }

  /**
   * Reads a run's folder.
   *
   * @throws IOException if something in it is damaged or missing
   */
  public static RunResult read(RunFolder folder, Contestant contestant) throws IOException {
    Manifest manifest = folder.manifest();
    boolean isClipped = contestant.setting("regulariser").equals("clip");
    List<Long> checkpoints = folder.iterations();
    return new RunResult(
        Long.parseLong(manifest.value("seed")),
        folder.path(),
        manifest,
        MetricsLog.read(folder.path()),
        EvaluationLog.read(folder.path()),
        checkpoints.isEmpty()
            ? List.of()
            : LayerWeights.read(
                folder.checkpoint(checkpoints.getFirst()),
                isClipped ? contestant.settings().number("clip") : 0),
        fault(folder));
  }

  /** Why a run diverged; empty if it did not, so far. */
  public static Optional<String> fault(RunFolder folder) throws IOException {
    Path file = folder.path().resolve(FAULT);
    return Files.exists(file) ? Optional.of(Files.readString(file).strip()) : Optional.empty();
  }

  /** Notes that a run diverged: going on from its last state would end the same way. */
  public static void noteFault(RunFolder folder, String why) throws IOException {
    byte[] line = (why + "\n").getBytes(StandardCharsets.UTF_8);
    AtomicFile.write(folder.path().resolve(FAULT), out -> out.write(line));
  }

  /** The picture of the samples of an evaluation. */
  public static Path grid(Path folder, long iteration) {
    return folder.resolve(GRIDS).resolve("iteration-%08d.png".formatted(iteration));
  }

  /** Images seen until the last evaluation. */
  public long images() {
    return evaluations.isEmpty() ? 0 : evaluations.getLast().samples();
  }

  /** Time spent training. */
  public double seconds() {
    return last("seconds");
  }

  /** Real images a second, pictures and checkpoints included. */
  public double imagesPerSecond() {
    return last("samples") / last("seconds");
  }

  private double last(String column) {
    double[] all = metrics.column(column);
    return all.length == 0 ? Double.NaN : all[all.length - 1];
  }

  /** The evaluation at so many images; empty if there is none near them. */
  public Optional<Evaluated> at(long images) {
    return evaluations.stream()
        .min(Comparator.comparingLong(e -> Math.abs(e.samples() - images)))
        .filter(e -> Math.abs(e.samples() - images) <= EQUAL * images);
  }

  /** A measure at so many images; NaN if there is none. */
  public double value(String measure, long images) {
    return at(images).map(e -> e.value(measure)).orElse(Double.NaN);
  }

  /** The least of a measure up to so many images; NaN if there is none. */
  public double least(String measure, long images) {
    return evaluations.stream()
        .filter(e -> e.samples() <= (1 + EQUAL) * images)
        .mapToDouble(e -> e.value(measure))
        .filter(v -> !Double.isNaN(v))
        .min()
        .orElse(Double.NaN);
  }

  /**
   * Whether all evaluations up to so many images are there. After another judge came, those of
   * states that were not kept are not.
   */
  boolean isComplete(double images) {
    long before = 0;
    for (Evaluated e : evaluations) {
      if (e.isAfterGap() && before < images) {
        return false;
      }
      before = e.samples();
    }
    return true;
  }

  /**
   * Images seen until a measure first was at most {@code target}, by a straight line between the
   * evaluations around that; not measured if evaluations before that are missing, which may have
   * been as good.
   */
  Until.Once imagesUntil(String measure, double target) {
    Evaluated before = null;
    for (Evaluated e : evaluations) {
      if (e.isAfterGap()) {
        return Until.Once.NOT_MEASURED;
      }
      double now = e.value(measure);
      if (now <= target) {
        double then = before == null ? Double.NaN : before.value(measure);
        // From the first evaluation nothing is known of before: it is an upper bound.
        return new Until.Once(
            Until.Outcome.REACHED,
            Double.isNaN(then)
                ? e.samples()
                : before.samples()
                    + (e.samples() - before.samples()) * (then - target) / (then - now));
      }
      before = e;
    }
    return Until.Once.NOT_REACHED;
  }

  /** A column of the metrics; empty if the variant does not report it. */
  public Optional<double[]> column(String name) {
    return metrics.columns().contains(name) ? Optional.of(metrics.column(name)) : Optional.empty();
  }
}
