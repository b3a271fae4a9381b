package dev.kantor.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.kantor.cli.Estimate.Evaluations;
import dev.kantor.cli.Tournament.Heat;
import dev.kantor.tensor.Device;
import dev.kantor.train.Goal;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;

/**
 * What a comparison will take, all threads at one training.
 *
 * @param contestants in their order
 * @param seeds trainings of each
 */
record Forecast(List<Row> contestants, int seeds) {
  private static final double MEASURED_SECONDS = 0.5;

  /**
   * One training of a contestant.
   *
   * @param name of the contestant
   * @param iterations to its goal
   * @param secondsEach an iteration, measured
   * @param evaluations of it
   */
  record Row(String name, long iterations, double secondsEach, Evaluations evaluations) {
    double seconds() {
      return iterations * secondsEach + evaluations.total();
    }
  }

  Forecast {
    contestants = List.copyOf(contestants);
  }

  /**
   * Runs each contestant for a moment, and evaluates one if there is a judge. Writes nothing.
   *
   * @param heats of one seed
   */
  static Forecast measure(
      List<Heat> heats, int seeds, Device device, Images images, Judging judging)
      throws IOException {
    List<Row> rows = new ArrayList<>();
    Evaluations first = null;
    for (Heat heat : heats) {
      Goal goal = heat.manifest().goal();
      try (Session session = Session.of(device, heat.manifest(), images)) {
        double each = Estimate.timed(session.job().iteration(), MEASURED_SECONDS);
        if (first == null) {
          first = Evaluations.measure(session, images, goal, heat.manifest().schedule(), judging);
        }
        boolean isTimed = goal.unit() == Goal.Unit.MINUTES;
        long iterations =
            isTimed
                ? Math.round(goal.seconds() / each)
                : goal.iterations(session.job().iterationsPerEpoch());
        long count = Math.ceilDiv(iterations, heat.manifest().schedule().evaluateEvery());
        rows.add(
            new Row(
                heat.contestant().label(),
                iterations,
                each,
                new Evaluations(count, Objects.requireNonNull(first).seconds())));
      }
    }
    return new Forecast(rows, seeds);
  }

  /** All trainings, one after another. */
  double seconds() {
    return seeds * contestants.stream().mapToDouble(Row::seconds).sum();
  }

  private boolean isJudged() {
    return contestants.stream().noneMatch(r -> Double.isNaN(r.evaluations.seconds()));
  }

  JsonObject toJson() {
    JsonObject o = new JsonObject();
    JsonArray all = new JsonArray();
    for (Row r : contestants) {
      JsonObject row = new JsonObject();
      row.addProperty("name", r.name);
      row.addProperty("iterations", r.iterations);
      row.addProperty("secondsPerIteration", r.secondsEach);
      row.addProperty("evaluations", r.evaluations.count());
      row.addProperty("seconds", r.seconds());
      all.add(row);
    }
    o.add("contestants", all);
    if (isJudged()) {
      o.addProperty("secondsPerEvaluation", contestants.getFirst().evaluations.seconds());
    }
    o.addProperty("trainings", seeds * contestants.size());
    o.addProperty("seconds", seconds());
    return o;
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    for (Row r : contestants) {
      text.append(
          String.format(
              Locale.ROOT,
              "%-32s %,9d iterations of %.2f ms, %d evaluations: %s%n",
              r.name,
              r.iterations,
              r.secondsEach * 1e3,
              r.evaluations.count(),
              Display.duration(r.seconds())));
    }
    text.append(
        String.format(
            Locale.ROOT,
            "%d trainings, about %s one after another, less where small ones share the threads; %s",
            seeds * contestants.size(),
            Display.duration(seconds()),
            isJudged()
                ? String.format(
                    Locale.ROOT,
                    "an evaluation %.2f s of it",
                    contestants.getFirst().evaluations.seconds())
                : "without the evaluations: the judge is not trained yet"));
    return text.toString();
  }
}
