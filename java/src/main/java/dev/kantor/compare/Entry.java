package dev.kantor.compare;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * A contestant with what came of its trainings so far.
 *
 * @param contestant what was trained
 * @param runs those that have ended, by seed
 */
public record Entry(Contestant contestant, List<RunResult> runs) {
  public Entry {
    runs = List.copyOf(runs);
  }

  /** As it is written on the command line. */
  public String label() {
    return contestant.label();
  }

  /** Those that did not diverge. */
  public List<RunResult> sound() {
    return runs.stream().filter(r -> r.fault().isEmpty()).toList();
  }

  /** A figure of each run that did not diverge. */
  public Spread of(ToDoubleFunction<RunResult> figure) {
    return Spread.of(sound().stream().map(figure::applyAsDouble).toList());
  }

  /** A measure at so many images seen. */
  public Spread at(String measure, long images) {
    return of(r -> r.value(measure, images));
  }

  /** Images seen until a measure is at most {@code target}. */
  Until imagesUntil(String measure, double target) {
    return Until.of(sound().stream().map(r -> r.imagesUntil(measure, target)).toList());
  }

  /** Whether no evaluation up to so many images is missing, see {@link RunResult#isComplete}. */
  boolean isComplete(double images) {
    return sound().stream().allMatch(r -> r.isComplete(images));
  }

  /** Whether it has results that can be compared. */
  public boolean isThere() {
    return sound().stream().anyMatch(r -> r.images() > 0);
  }

  /** All values of a column of the metrics, from all its runs that did not diverge. */
  public List<Double> all(String column) {
    List<Double> all = new ArrayList<>();
    for (RunResult r : sound()) {
      r.column(column)
          .ifPresent(
              values -> {
                for (double v : values) {
                  all.add(v);
                }
              });
    }
    return all;
  }
}
