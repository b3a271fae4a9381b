package dev.kantor.cli;

import dev.kantor.io.FormatException;
import dev.kantor.metrics.Judge;
import dev.kantor.metrics.Yardstick;
import dev.kantor.train.Checkpoint;
import dev.kantor.train.Evaluated;
import dev.kantor.train.EvaluationLog;
import dev.kantor.train.Manifest;
import dev.kantor.train.RunFolder;
import dev.kantor.train.Training;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;

/**
 * Brings the evaluations of a run up to date before it goes on, so that the best of them is the
 * best of the checkpoints that are kept: all are evaluated again if another judge evaluated them,
 * whose numbers say nothing beside this one's; those that the log has lost are evaluated.
 *
 * <p>The log changes in one step at the end. Whoever is interrupted before that finds everything as
 * it was, and does it again.
 *
 * @param session holds the state of the latest checkpoint
 * @param folder the run's, which the caller holds the lock of
 * @param manifest the run's
 * @param err is told what is done
 */
record Reevaluation(Session session, RunFolder folder, Manifest manifest, PrintWriter err) {
  /** Whether a judge made all of these evaluations. */
  static boolean isOf(List<Evaluated> evaluations, Optional<String> judge) {
    return evaluations.stream().allMatch(e -> e.judge().equals(judge));
  }

  /**
   * Does it, if there is anything to be done. The state is that of the latest checkpoint before
   * and, unless it was stopped, after.
   *
   * @param yardstick null: the run is not evaluated
   * @param isStopping is asked between two evaluations
   * @return false if it was stopped; then the run's folder is as it was
   */
  boolean run(Yardstick yardstick, BooleanSupplier isStopping) throws IOException {
    List<Long> kept = folder.iterations().reversed().stream().filter(i -> i > 0).toList();
    if (yardstick == null || !EvaluationLog.isBegun(folder.path())) {
      return true;
    }
    long last = kept.isEmpty() ? 0 : kept.getLast();
    List<Evaluated> there = EvaluationLog.read(folder.path());
    // A training that goes on from the last checkpoint cuts those after it off.
    List<Evaluated> before = there.stream().filter(e -> e.iteration() <= last).toList();
    boolean isAnother = !isOf(there, yardstick.judgedBy().map(Judge::sha256));
    List<Long> due = isAnother ? kept : kept.stream().filter(i -> isMissing(i, before)).toList();
    if (due.isEmpty() && !isAnother) {
      return true;
    }
    err.println(
        folder.path()
            + (isAnother
                ? ": another judge evaluated it, so its numbers cannot be compared; the checkpoints"
                    + " that are kept are evaluated again"
                : ": evaluations of checkpoints are missing, and are made now"));
    List<Evaluated> now = new ArrayList<>(isAnother ? List.of() : before);
    try (Examination examination = session.examination(manifest.schedule(), yardstick)) {
      for (long iteration : due) {
        if (isStopping.getAsBoolean()) {
          return false;
        }
        evaluate(iteration, examination, isAnother ? before : List.of(), now);
      }
    }
    if (last > 0) {
      load(last);
    }
    if (isAnother) {
      err.println(
          "the "
              + there.size()
              + " evaluations there were are in "
              + EvaluationLog.setAside(folder.path()).getFileName());
    }
    EvaluationLog.replace(folder.path(), now);
    return true;
  }

  /**
   * Whether a checkpoint should have been evaluated, and was not. Before the first evaluation a run
   * may have had none.
   */
  private boolean isMissing(long iteration, List<Evaluated> there) {
    return (there.isEmpty() || iteration > there.getFirst().iteration())
        && iteration % manifest.schedule().evaluateEvery() == 0
        && there.stream().noneMatch(e -> e.iteration() == iteration);
  }

  private Checkpoint load(long iteration) throws IOException {
    return Checkpoint.load(
        folder.checkpoint(iteration), session.state(), Checkpoint.slots(session.state()));
  }

  /**
   * Evaluates a checkpoint; leaves it out if it is damaged.
   *
   * @param before evaluations that this one and its neighbours take the place of
   * @param now the evaluations so far, which this one goes into by its iteration
   */
  private void evaluate(
      long iteration, Examination examination, List<Evaluated> before, List<Evaluated> now)
      throws IOException {
    Checkpoint c;
    try {
      c = load(iteration);
    } catch (FormatException e) {
      err.println("kantor: " + e.getMessage() + "; leaves it out");
      return;
    }
    List<Evaluated> earlier = now.stream().filter(e -> e.iteration() < iteration).toList();
    long previous = earlier.isEmpty() ? 0 : earlier.getLast().iteration();
    boolean isAfterGap =
        before.stream()
            .filter(e -> e.iteration() > previous && e.iteration() <= iteration)
            .anyMatch(e -> e.iteration() < iteration || e.isAfterGap());
    Training.Finding finding = examination.evaluate(earlier);
    now.add(
        new Evaluated(
            iteration,
            (double) iteration / session.job().iterationsPerEpoch(),
            iteration * session.job().samplesPerIteration(),
            c.seconds(),
            finding.evaluation(),
            finding.alarm(),
            isAfterGap));
    now.sort(Comparator.comparingLong(Evaluated::iteration));
  }
}
