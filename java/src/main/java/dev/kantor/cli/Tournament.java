package dev.kantor.cli;

import dev.kantor.compare.Budget;
import dev.kantor.compare.Contestant;
import dev.kantor.graph.Precision;
import dev.kantor.tensor.Device;
import dev.kantor.train.Goal;
import dev.kantor.train.Job;
import dev.kantor.train.Manifest;
import dev.kantor.train.RunFolder;
import dev.kantor.train.Schedule;
import dev.kantor.train.Training;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The trainings that a comparison takes: what each is, decided before the first begins. What has
 * been done of them is in their folders, and nowhere else.
 *
 * @param out the folder that theirs are in
 * @param heats those of the first seed come first, so that there is soon something to compare
 */
record Tournament(Path out, List<Heat> heats) {
  private static final int KEEP = 2;

  /** Where time is the budget, how far each gets is an estimate: so there are enough points. */
  private static final int LEAST_POINTS = 5;

  private static final double TIMED_SECONDS = 0.5;

  /**
   * One training.
   *
   * @param contestant what
   * @param seed of its random numbers
   * @param folder where
   * @param manifest its, new or as it is there
   * @param iterationsPerEpoch of its job
   */
  record Heat(
      Contestant contestant, long seed, Path folder, Manifest manifest, long iterationsPerEpoch) {
    RunFolder run() {
      return new RunFolder(folder);
    }

    boolean hasBegun() {
      return Files.exists(folder.resolve("manifest.json"));
    }
  }

  /**
   * What is asked for.
   *
   * @param contestants in their order
   * @param budget of those that have none of their own
   * @param seeds how many trainings each has
   * @param seed the first
   * @param points evaluations on the way of the longest
   * @param evaluateCount samples in each
   * @param judging by what they are evaluated
   */
  record Plan(
      List<Contestant> contestants,
      Budget budget,
      int seeds,
      long seed,
      int points,
      int evaluateCount,
      Judging judging) {}

  /**
   * Plans the trainings, and takes over those that have begun.
   *
   * @throws IllegalArgumentException naming every difference, if one that has begun differs from
   *     what the plan has in its place
   */
  static Tournament of(Plan plan, Path out, Device device, Images images) throws IOException {
    List<Draft> drafts = new ArrayList<>();
    for (Contestant c : plan.contestants) {
      try (Session session =
          Room.session(device, c.settings(), images, plan.seed, Precision.FP32)) {
        Job job = session.job();
        Budget budget = c.budget().orElse(plan.budget);
        boolean isTimed = budget.unit() == Budget.Unit.MINUTES;
        double seconds = isTimed ? Estimate.timed(job.iteration(), TIMED_SECONDS) : 0;
        drafts.add(
            new Draft(
                c,
                budget.goal(job),
                budget.images(job, seconds),
                job.samplesPerIteration(),
                job.iterationsPerEpoch(),
                Training.defaultLogEvery(job),
                session.manifest(
                    budget.goal(job), new Schedule(1, 1, KEEP), plan.judging.values())));
      }
    }
    double period = period(plan, drafts, out);
    List<Heat> heats = new ArrayList<>();
    List<String> differences = new ArrayList<>();
    for (long seed = plan.seed; seed < plan.seed + plan.seeds; seed++) {
      for (Draft d : drafts) {
        Heat asked = d.heat(seed, out, period, plan.evaluateCount);
        if (asked.hasBegun()) {
          Manifest there = asked.run().manifest();
          for (String difference : differences(there, asked.manifest)) {
            differences.add(asked.folder.getFileName() + ": " + difference);
          }
          asked = new Heat(asked.contestant, seed, asked.folder, there, asked.iterationsPerEpoch);
        }
        heats.add(asked);
      }
    }
    if (!differences.isEmpty()) {
      throw new IllegalArgumentException(
          "what was begun in "
              + out
              + " is another comparison: "
              + String.join("; ", differences)
              + "; give the same options again, or another folder with --out");
    }
    return new Tournament(out, heats);
  }

  /** A contestant's trainings, whatever the seed. */
  private record Draft(
      Contestant contestant,
      Goal goal,
      double images,
      long samplesPerIteration,
      long iterationsPerEpoch,
      long logEvery,
      Manifest manifest) {
    Heat heat(long seed, Path out, double period, int evaluateCount) {
      Map<String, String> configuration = new LinkedHashMap<>(manifest.configuration());
      configuration.put("seed", Long.toString(seed));
      long every = Math.max(1, Math.round(period / samplesPerIteration));
      Manifest mine =
          new Manifest(
              configuration,
              goal,
              new Schedule(logEvery, 1, KEEP, every, evaluateCount),
              manifest.environment());
      return new Heat(
          contestant, seed, out.resolve(contestant.folder(seed)), mine, iterationsPerEpoch);
    }
  }

  /**
   * Images between evaluations, the same for all: such that the last of the shortest training falls
   * on one of every other's.
   */
  private static double period(Plan plan, List<Draft> drafts, Path out) throws IOException {
    boolean isTimed = plan.budget.unit() == Budget.Unit.MINUTES;
    for (Draft d : drafts) {
      Heat begun = d.heat(plan.seed, out, 1, plan.evaluateCount);
      if (isTimed && begun.hasBegun()) {
        // How fast it was is not known any more, and what was evaluated stays.
        return (double) begun.run().manifest().schedule().evaluateEvery() * d.samplesPerIteration;
      }
    }
    double longest = drafts.stream().mapToDouble(Draft::images).max().orElseThrow();
    double shortest = drafts.stream().mapToDouble(Draft::images).min().orElseThrow();
    long points = Math.round(plan.points * shortest / longest);
    return shortest / Math.max(isTimed ? LEAST_POINTS : 1, points);
  }

  private static List<String> differences(Manifest there, Manifest asked) {
    List<String> all =
        new ArrayList<>(Manifest.differences(there.configuration(), asked.configuration()));
    if (!there.goal().equals(asked.goal())) {
      all.add("the budget was " + there.goal() + ", is " + asked.goal());
    }
    Schedule before = there.schedule();
    Schedule now = asked.schedule();
    if (before.evaluateCount() != now.evaluateCount()
        || before.evaluateEvery() != now.evaluateEvery()) {
      all.add(
          "evaluations were of "
              + before.evaluateCount()
              + " samples every "
              + before.evaluateEvery()
              + " iterations, are of "
              + now.evaluateCount()
              + " every "
              + now.evaluateEvery());
    }
    return all;
  }
}
