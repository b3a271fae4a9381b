package dev.kantor.metrics;

import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * Measures samples of one data set against it: {@link Evaluator} images, {@link ModeCounter} points
 * of the plane. What it needs to know of the data it finds out once, so that it can be asked again
 * and again.
 */
public interface Yardstick extends AutoCloseable {
  /**
   * Evaluates samples: the same for the same samples, whatever was asked before.
   *
   * @param samples as the data of the set are: u8 [count, channels, height, width] for images, f32
   *     [count, 2] for points
   * @param requested the class of each, if some was asked for
   * @throws IllegalArgumentException if they are too few
   */
  Evaluation evaluate(MemorySegment samples, Optional<int[]> requested);

  /** The judge in whose eyes samples are measured; empty if none is needed. */
  default Optional<Judge> judgedBy() {
    return Optional.empty();
  }

  @Override
  void close();
}
