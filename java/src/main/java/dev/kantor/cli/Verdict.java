package dev.kantor.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import dev.kantor.metrics.ClassHistogram;
import dev.kantor.metrics.Evaluation;
import dev.kantor.metrics.JudgeDesign;
import dev.kantor.metrics.Measure;
import dev.kantor.metrics.Yardstick;
import dev.kantor.train.Evaluated;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * An evaluation, for people and for machines.
 *
 * @param samples what was evaluated
 * @param test held-out real data in the same eyes: as good as it gets; empty where there are none
 */
record Verdict(Evaluation samples, Optional<Evaluation> test) {
  /** Of more classes none is shown. */
  private static final int MOST_SHOWN_CLASSES = 25;

  private static final List<String> IN_BRIEF =
      List.of(
          "fd-judge",
          "mode-distance",
          "classes-covered",
          "modes-covered",
          "accepted",
          "high-quality",
          "agreement",
          "precision",
          "recall");

  private static final Map<String, String> SHOWN = new LinkedHashMap<>();

  static {
    SHOWN.put("modes-covered", "modes covered");
    SHOWN.put("modes-accepted", "of them with three digits");
    SHOWN.put("high-quality", "of high quality");
    SHOWN.put("reverse-kl", "reverse KL");
    SHOWN.put("mode-distance", "mode distance");
    SHOWN.put("classes-covered", "classes covered");
    SHOWN.put("kl-from-uniform", "KL of classes from uniform");
    SHOWN.put("accepted", "taken for one of the classes");
    SHOWN.put("confidence", "confidence");
    SHOWN.put("agreement", "agreement with the class");
    SHOWN.put("gan-train", "GAN-train accuracy");
    SHOWN.put("gan-train-judged", "GAN-train, judge's labels");
    SHOWN.put("gan-test", "GAN-test accuracy");
    SHOWN.put("fd-judge", "FD-judge");
    SHOWN.put("precision", "precision");
    SHOWN.put("recall", "recall");
    SHOWN.put("density", "density");
    SHOWN.put("coverage", "coverage");
    SHOWN.put("nearest-training-image", "distance to training image");
  }

  /** A table. */
  String toText() {
    String header = test.isEmpty() ? "" : "test data";
    StringBuilder text = new StringBuilder(row("", "samples", "95 % interval", header));
    for (Map.Entry<String, String> e : SHOWN.entrySet()) {
      Optional<Measure> mine = samples.find(e.getKey());
      Optional<Measure> theirs = test.flatMap(t -> t.find(e.getKey()));
      if (mine.isPresent()) {
        text.append(
            row(
                e.getValue(),
                number(mine.get().value()),
                mine.get()
                    .interval()
                    .map(i -> number(i.low()) + " to " + number(i.high()))
                    .orElse(""),
                theirs.map(m -> number(m.value())).orElse("")));
      }
    }
    text.append('\n').append(row("class", "samples", "", header));
    int classes = samples.histogram().counts().length;
    for (int c = 0; c < (classes > MOST_SHOWN_CLASSES ? 0 : classes); c++) {
      int shown = c;
      text.append(
          row(
              Integer.toString(c),
              share(samples, samples.histogram().counts()[c]),
              "",
              test.map(t -> share(t, t.histogram().counts()[shown])).orElse("")));
    }
    text.append(
        row(
            "none",
            share(samples, samples.none()),
            "",
            test.map(t -> share(t, t.none())).orElse("")));
    return text.toString();
  }

  /** The measures that say most, in a line. */
  static String inBrief(Evaluated evaluated) {
    return IN_BRIEF.stream()
        .filter(name -> !Double.isNaN(evaluated.value(name)))
        .map(name -> SHOWN.get(name) + " " + number(evaluated.value(name)))
        .collect(Collectors.joining("  "));
  }

  /** The distance by which checkpoints are ranked. */
  static String distance(Evaluated evaluated) {
    return SHOWN.get(evaluated.ranking()) + " " + number(evaluated.distance());
  }

  private static String row(String name, String value, String interval, String test) {
    return String.format(Locale.ROOT, "%-30s%12s  %-22s%12s", name, value, interval, test)
            .stripTrailing()
        + "\n";
  }

  private static String number(double value) {
    if (Double.isNaN(value)) {
      return "-";
    }
    return value == Math.rint(value) && value < 1e6
        ? Long.toString((long) value)
        : String.format(Locale.ROOT, value < 10 ? "%.4f" : "%.1f", value);
  }

  private static String share(Evaluation of, long count) {
    return String.format(Locale.ROOT, "%.1f %%", 100.0 * count / of.count());
  }

  /** An evaluation as JSON, with the judge in whose eyes it is, if there is one. */
  static JsonObject json(Evaluation evaluation, Yardstick yardstick) {
    JsonObject o = json(evaluation);
    yardstick
        .judgedBy()
        .ifPresent(
            judge -> {
              o.addProperty("judge", judge.sha256());
              o.addProperty("judge-version", JudgeDesign.VERSION);
            });
    return o;
  }

  /** An evaluation as JSON. */
  static JsonObject json(Evaluation evaluation) {
    JsonObject o = new JsonObject();
    o.addProperty("count", evaluation.count());
    for (Measure m : evaluation.measures()) {
      JsonObject measure = new JsonObject();
      add(measure, "value", m.value());
      m.interval()
          .ifPresent(
              i -> {
                add(measure, "low", i.low());
                add(measure, "high", i.high());
              });
      o.add(m.name(), measure);
    }
    ClassHistogram histogram = evaluation.histogram();
    JsonArray counts = new JsonArray();
    for (long count : histogram.counts()) {
      counts.add(count);
    }
    o.add("histogram", counts);
    o.addProperty("none", evaluation.none());
    return o;
  }

  /** JSON has no NaN. */
  private static void add(JsonObject o, String name, double value) {
    if (Double.isNaN(value)) {
      o.add(name, JsonNull.INSTANCE);
    } else {
      o.addProperty(name, value);
    }
  }
}
