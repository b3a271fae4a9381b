package dev.kantor.compare;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.kantor.train.Evaluated;
import dev.kantor.train.Goal;
import dev.kantor.train.Manifest;
import dev.kantor.train.MetricsLog;
import dev.kantor.train.Schedule;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Comparisons of numbers that were made up. */
final class Made {
  static final List<String> COLUMNS =
      List.of(
          "iteration",
          "epoch",
          "samples",
          "seconds",
          "critic_loss",
          "generator_loss",
          "distance",
          "generator_gradient_norm",
          "critic_gradient_norm");

  private Made() {}

  /** An evaluation of ten classes. */
  static Evaluated evaluated(long images, Map<String, Double> measures) {
    JsonObject o = new JsonObject();
    o.addProperty("count", 100);
    measures.forEach(
        (name, value) -> {
          JsonObject measure = new JsonObject();
          measure.addProperty("value", value);
          o.add(name, measure);
        });
    JsonArray histogram = new JsonArray();
    for (int i = 0; i < 10; i++) {
      histogram.add(10);
    }
    o.add("histogram", histogram);
    return new Evaluated(images / 10, images / 1000.0, images, 1, o, Optional.empty());
  }

  /** The same, with evaluations before it missing. */
  static Evaluated afterGap(Evaluated e) {
    return new Evaluated(
        e.iteration(), e.epoch(), e.samples(), e.seconds(), e.evaluation(), e.alarm(), true);
  }

  /** A row of the metrics: loss of the critic, distance, norm of the generator's gradient. */
  static double[] row(long images, double loss, double distance, double norm) {
    return new double[] {
      images / 10, images / 1000.0, images, images / 1e3, loss, 0, distance, norm, 1
    };
  }

  static RunResult run(
      long seed, List<double[]> rows, List<Evaluated> evaluations, LayerWeights... layers) {
    return new RunResult(
        seed,
        Path.of("run-" + seed),
        new Manifest(
            Map.of("seed", Long.toString(seed)),
            new Goal(Goal.Unit.EPOCHS, 1),
            new Schedule(1, 1, 1),
            Map.of("runs-on", "paper & pencil")),
        new MetricsLog.Table(COLUMNS, rows),
        evaluations,
        List.of(layers),
        Optional.empty());
  }

  /** A run that diverged. */
  static RunResult faulted(RunResult r) {
    return new RunResult(
        r.seed(),
        r.folder(),
        r.manifest(),
        r.metrics(),
        r.evaluations(),
        r.layers(),
        Optional.of("critic.0.weight <is> not finite"));
  }

  /** A contestant whose seeds have these values of a measure after 1000 images. */
  static Entry entry(String contestant, String measure, double... values) {
    List<RunResult> runs = new ArrayList<>();
    for (double v : values) {
      runs.add(
          run(
              runs.size() + 1,
              List.of(row(1000, 1, 1, 1)),
              List.of(evaluated(1000, Map.of(measure, v)))));
    }
    return new Entry(Contestant.parse(contestant), runs);
  }

  static Comparison comparison(Entry... entries) {
    return new Comparison(
        new Comparison.Setting(
            "made <up>",
            new Budget(Budget.Unit.EPOCHS, 1),
            1,
            Optional.empty(),
            "kantor compare",
            "none",
            Optional.empty()),
        List.of(entries));
  }
}
