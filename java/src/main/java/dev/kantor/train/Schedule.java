package dev.kantor.train;

/**
 * What a training does besides training, and how often. None of it changes the numbers.
 *
 * @param logEvery iterations that a row of the metrics is the mean of
 * @param checkpointEvery epochs between checkpoints
 * @param keep how many checkpoints stay, besides the best
 * @param evaluateEvery iterations between evaluations; 0: there are none
 * @param evaluateCount samples in an evaluation
 */
public record Schedule(
    long logEvery, long checkpointEvery, int keep, long evaluateEvery, int evaluateCount) {
  /**
   * Half of what {@code kantor evaluate} takes, for speed. A Fréchet distance between finite
   * samples is too large, the more so the fewer they are: compare only distances of equally many.
   */
  public static final int DEFAULT_EVALUATE_COUNT = 5000;

  public Schedule {
    if (logEvery < 1 || checkpointEvery < 1 || keep < 1) {
      throw new IllegalArgumentException(
          "log-every, checkpoint-every and keep must be positive: "
              + logEvery
              + ", "
              + checkpointEvery
              + ", "
              + keep);
    }
    if (evaluateEvery < 0) {
      throw new IllegalArgumentException(
          "evaluate-every is " + evaluateEvery + "; expected 0, for never, or iterations");
    }
    if (evaluateCount < 1) {
      throw new IllegalArgumentException(
          "evaluate-count is " + evaluateCount + "; expected at least 1");
    }
  }

  /** Without evaluations. */
  public Schedule(long logEvery, long checkpointEvery, int keep) {
    this(logEvery, checkpointEvery, keep, 0, DEFAULT_EVALUATE_COUNT);
  }

  /** The same, logging another number of iterations in a row. */
  public Schedule withLogEvery(long iterations) {
    return new Schedule(iterations, checkpointEvery, keep, evaluateEvery, evaluateCount);
  }

  /** The same with other evaluations. */
  public Schedule withEvaluations(long every, int count) {
    return new Schedule(logEvery, checkpointEvery, keep, every, count);
  }

  /** Whether there are evaluations. */
  public boolean evaluates() {
    return evaluateEvery > 0;
  }
}
