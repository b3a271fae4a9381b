package dev.kantor.cli;

import dev.kantor.train.Evaluated;
import dev.kantor.train.Goal;
import dev.kantor.train.Training;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import me.tongfei.progressbar.DelegatingProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/**
 * Shows a training going on: a bar on a terminal, else a line at each epoch's end and now and then
 * between.
 */
final class Display implements AutoCloseable {
  private static final double SECONDS_BETWEEN_LINES = 10;
  private static final int REFRESH_MILLIS = 250;

  /** Metrics that are shown, and how they are called there. */
  private static final Map<String, String> SHOWN =
      Map.of(
          "reconstruction_loss",
          "reconstruction",
          "divergence",
          "divergence",
          "class_agreement",
          "class agreement",
          "classifier_loss",
          "classifier",
          "classifier_accuracy",
          "accuracy",
          "critic_loss",
          "critic",
          "generator_loss",
          "generator",
          "distance",
          "distance",
          "critic_gradient_norm",
          "|grad critic|",
          "generator_gradient_norm",
          "|grad generator|");

  private final PrintWriter err;
  private final Goal goal;
  private final List<String> metrics;
  private final long iterationsPerEpoch;
  private final ProgressBar bar;
  private String quality = "";
  private double lastLine = Double.NEGATIVE_INFINITY;

  /**
   * @param terminalWidth 0 for no terminal
   * @param iteration done already, in {@code seconds}
   */
  Display(
      PrintWriter err,
      int terminalWidth,
      Goal goal,
      List<String> metrics,
      long iterationsPerEpoch,
      long iteration,
      double seconds) {
    this.err = err;
    this.goal = goal;
    this.metrics = metrics;
    this.iterationsPerEpoch = iterationsPerEpoch;
    this.bar =
        terminalWidth == 0
            ? null
            : new ProgressBarBuilder()
                .setTaskName("training")
                .setStyle(ProgressBarStyle.ASCII)
                .setUpdateIntervalMillis(REFRESH_MILLIS)
                .setInitialMax(
                    goal.unit() == Goal.Unit.MINUTES
                        ? (long) goal.seconds()
                        : goal.iterations(iterationsPerEpoch))
                .startsFrom(
                    goal.unit() == Goal.Unit.MINUTES ? (long) seconds : iteration,
                    Duration.ofMillis((long) (1000 * seconds)))
                .setConsumer(new DelegatingProgressBarConsumer(this::redraw, terminalWidth - 1))
                .hideEta()
                .build();
  }

  private void redraw(String line) {
    err.print("\r" + line);
    err.flush();
  }

  void show(Training.Progress p) {
    String numbers = numbers(p);
    if (bar != null) {
      bar.setExtraMessage(" " + numbers);
      bar.stepTo(goal.unit() == Goal.Unit.MINUTES ? (long) p.row().seconds() : p.iteration());
    } else if (p.isEpochEnd()
        || p.iteration() == p.last()
        || p.row().seconds() - lastLine >= SECONDS_BETWEEN_LINES) {
      lastLine = p.row().seconds();
      err.println(
          "iteration "
              + p.iteration()
              + (p.last() == Long.MAX_VALUE ? "" : "/" + p.last())
              + "  "
              + numbers);
      err.flush();
    }
  }

  /** A line of the evaluation where there is no bar; from now on its distance is shown too. */
  void evaluated(Evaluated evaluated) {
    quality = Verdict.distance(evaluated);
    if (bar == null) {
      err.println("evaluated " + evaluated.iteration() + "  " + Verdict.inBrief(evaluated));
      err.flush();
    }
  }

  private String numbers(Training.Progress p) {
    List<String> parts = new ArrayList<>();
    String of = goal.unit() == Goal.Unit.EPOCHS ? "/" + (long) goal.amount() : "";
    long epoch = (p.iteration() + iterationsPerEpoch - 1) / iterationsPerEpoch;
    parts.add("epoch " + epoch + of);
    for (int i = 0; i < metrics.size(); i++) {
      String label = SHOWN.get(metrics.get(i));
      if (label != null) {
        parts.add(label + String.format(Locale.ROOT, " %.4g", p.row().values().get(i)));
      }
    }
    if (!quality.isEmpty()) {
      parts.add(quality);
    }
    parts.add(String.format(Locale.ROOT, "%,.0f images/s", p.samplesPerSecond()));
    parts.add(duration(p.secondsLeft()) + " left");
    return String.join("  ", parts);
  }

  /** A time to the precision that people want. */
  static String duration(double seconds) {
    if (seconds < 100) {
      return String.format(Locale.ROOT, "%.0f s", Math.max(0, seconds));
    }
    return seconds < 6000
        ? String.format(Locale.ROOT, "%.0f min", seconds / 60)
        : String.format(Locale.ROOT, "%.1f h", seconds / 3600);
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
      err.println();
      err.flush();
    }
  }
}
