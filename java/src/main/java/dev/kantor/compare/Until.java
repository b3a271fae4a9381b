package dev.kantor.compare;

import java.util.List;

/**
 * How many images some trainings saw until a target was reached.
 *
 * @param images of those that are known to have reached it, and when
 * @param notReached trainings that never did
 * @param notMeasured trainings of which nobody knows: evaluations are missing, see {@link
 *     RunResult#isComplete}
 */
record Until(Spread images, int notReached, int notMeasured) {
  /** Of one training. */
  enum Outcome {
    REACHED,
    NOT_REACHED,
    NOT_MEASURED
  }

  /**
   * When one training reached a target.
   *
   * @param images seen until then; NaN unless it is known to have reached it
   */
  record Once(Outcome outcome, double images) {
    static final Once NOT_REACHED = new Once(Outcome.NOT_REACHED, Double.NaN);
    static final Once NOT_MEASURED = new Once(Outcome.NOT_MEASURED, Double.NaN);

    Once {
      if (Double.isNaN(images) == (outcome == Outcome.REACHED)) {
        throw new IllegalArgumentException(outcome + " after " + images + " images");
      }
    }
  }

  static Until of(List<Once> trainings) {
    return new Until(
        Spread.of(trainings.stream().map(Once::images).toList()),
        count(trainings, Outcome.NOT_REACHED),
        count(trainings, Outcome.NOT_MEASURED));
  }

  private static int count(List<Once> trainings, Outcome outcome) {
    return Math.toIntExact(trainings.stream().filter(t -> t.outcome == outcome).count());
  }

  /** Whether each training is known to have reached it. */
  boolean isReachedByAll() {
    return images.exists() && notReached == 0 && notMeasured == 0;
  }

  /** As in {@code 1,500 ± 20 (2 of 3 seeds)}. */
  @Override
  public String toString() {
    if (!images.exists()) {
      return notMeasured > 0 ? "not measured" : "not reached";
    }
    int seeds = images.count() + notReached + notMeasured;
    return images
        + (isReachedByAll()
            ? ""
            : " ("
                + images.count()
                + " of "
                + seeds
                + " seeds"
                + (notMeasured > 0 ? ", " + notMeasured + " not measured)" : ")"));
  }
}
