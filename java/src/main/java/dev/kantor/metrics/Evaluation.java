package dev.kantor.metrics;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What images are worth beside the training images of a set.
 *
 * @param count how many were looked at
 * @param histogram of the classes that the judge sees
 * @param none how many it takes for none of them
 * @param measures in the order in which people read them
 */
public record Evaluation(int count, ClassHistogram histogram, long none, List<Measure> measures) {
  public Evaluation {
    measures = List.copyOf(measures);
  }

  /** The same with one figure more. */
  public Evaluation with(Measure more) {
    List<Measure> all = new ArrayList<>(measures);
    all.add(more);
    return new Evaluation(count, histogram, none, all);
  }

  /** A figure, if there is one of this name. */
  public Optional<Measure> find(String name) {
    return measures.stream().filter(m -> m.name().equals(name)).findFirst();
  }

  /**
   * A figure.
   *
   * @throws IllegalArgumentException if there is none of this name
   */
  public Measure measure(String name) {
    return find(name)
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "there is no measure "
                        + name
                        + "; there are "
                        + measures.stream().map(Measure::name).toList()));
  }
}
