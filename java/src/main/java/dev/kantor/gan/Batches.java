package dev.kantor.gan;

import dev.kantor.graph.Ops;
import dev.kantor.graph.Slot;
import dev.kantor.graph.Trace;
import dev.kantor.graph.Value;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;

/**
 * Where an iteration's samples and random numbers come from: batches of a data set in shuffled
 * epochs, and numbers that depend on the seed, the iteration's number and the batch's.
 */
public final class Batches {
  private final Trace trace;
  private final Slot images;
  private final Slot labels;
  private final long classes;
  private final Slot seed;
  private final Slot counter;
  private final long size;
  private final int perIteration;
  private final Map<Integer, Value> indices = new HashMap<>();

  /**
   * @param images u8 [count, features]
   * @param labels i32 [count, 1], or null
   * @param size samples in a batch
   * @param perIteration batches in an iteration
   */
  Batches(
      Trace trace,
      Slot images,
      Slot labels,
      long classes,
      Slot seed,
      Slot counter,
      long size,
      int perIteration) {
    this.trace = trace;
    this.images = images;
    this.labels = labels;
    this.classes = classes;
    this.seed = seed;
    this.counter = counter;
    this.size = size;
    this.perIteration = perIteration;
  }

  private Trace.Clock clock(int step) {
    return new Trace.Clock(seed, counter, perIteration, Objects.checkIndex(step, perIteration));
  }

  private Value indices(int step) {
    return indices.computeIfAbsent(
        step, s -> trace.batchIndices(clock(s), size, images.shape().dim(0)));
  }

  /** Samples [size, features] of the iteration's batch number {@code step}. */
  public Value images(int step, Generation.Range range) {
    return trace.gather(images, indices(step), range.scale(), range.shift());
  }

  /**
   * The one-hot classes [size, classes] of those samples.
   *
   * @throws IllegalStateException if the data have no labels
   */
  public Value classes(int step) {
    if (labels == null) {
      throw new IllegalStateException("the data have no labels");
    }
    return Ops.oneHot(trace.gatherLabels(labels, indices(step)), classes);
  }

  /** Standard normal numbers, new ones for each batch. */
  public Value normal(int step, long... dims) {
    return trace.normal(clock(step), dims);
  }

  /** Uniform numbers in [0, 1), new ones for each batch. */
  public Value uniform(int step, long... dims) {
    return trace.uniform(clock(step), 0, 1, dims);
  }

  /** Standard normal numbers, new ones for each iteration. */
  public Value normal(long... dims) {
    return trace.normal(new Trace.Clock(seed, counter, 1, 0), dims);
  }
}
