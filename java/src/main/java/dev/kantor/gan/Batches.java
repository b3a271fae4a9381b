package dev.kantor.gan;

import dev.kantor.graph.Ops;
import dev.kantor.graph.Slot;
import dev.kantor.graph.Trace;
import dev.kantor.graph.Value;
import dev.kantor.tensor.DType;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;

/**
 * Where an iteration's samples and random numbers come from: batches of a data set in shuffled
 * epochs, and numbers that depend on the seed, the iteration's number and the batch's.
 */
public final class Batches {
  private final Trace trace;
  private final Slot data;
  private final Slot labels;
  private final long classes;
  private final Slot seed;
  private final Slot counter;
  private final long size;
  private final int perIteration;
  private final Map<Integer, Value> indices = new HashMap<>();

  /**
   * @param data u8 or f32 [count, features]
   * @param labels i32 [count, 1], or null
   * @param size samples in a batch
   * @param perIteration batches in an iteration
   */
  Batches(
      Trace trace,
      Slot data,
      Slot labels,
      long classes,
      Slot seed,
      Slot counter,
      long size,
      int perIteration) {
    this.trace = trace;
    this.data = data;
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

  private static String kind(DType type) {
    return type == DType.U8 ? "bytes of images" : "numbers as they are";
  }

  private Value indices(int step) {
    return indices.computeIfAbsent(
        step, s -> trace.batchIndices(clock(s), size, data.shape().dim(0)));
  }

  /**
   * Samples [size, features] of the iteration's batch number {@code step}.
   *
   * @param range what their numbers are brought into
   * @throws IllegalArgumentException if the data are not of the range's kind
   */
  public Value samples(int step, Generation.Range range) {
    if (data.dtype() != range.type()) {
      throw new IllegalArgumentException(
          "the model learns from "
              + kind(range.type())
              + ", but the data are "
              + kind(data.dtype())
              + "; give it other data, or describe it by another shape");
    }
    return trace.gather(data, indices(step), range.scale(), range.shift());
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
