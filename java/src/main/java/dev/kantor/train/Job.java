package dev.kantor.train;

import dev.kantor.graph.Program;
import dev.kantor.graph.Slot;
import dev.kantor.graph.State;
import java.util.List;
import java.util.Objects;

/**
 * What a training loop replays. It knows slots and a program, and nothing of the model.
 *
 * @param state every slot of the run; a checkpoint is a copy of those that are not mapped data
 * @param iteration one iteration; adds 1 to {@code counter}
 * @param counter i64[1], iterations done
 * @param fault i64[4], the fault flag: code, tensor, iteration
 * @param ring f32[rows, metrics]: iteration i writes row i mod rows
 * @param metrics names of the ring's columns
 * @param tensors names of the tensors that the fault flag numbers
 * @param iterationsPerEpoch iterations in one pass over the data
 * @param samplesPerIteration real samples that one iteration sees
 */
public record Job(
    State state,
    Program iteration,
    Slot counter,
    Slot fault,
    Slot ring,
    List<String> metrics,
    List<String> tensors,
    long iterationsPerEpoch,
    long samplesPerIteration) {
  public Job {
    Objects.requireNonNull(state, "state");
    Objects.requireNonNull(iteration, "iteration");
    metrics = List.copyOf(metrics);
    tensors = List.copyOf(tensors);
    if (iterationsPerEpoch < 1
        || ring.shape().rank() != 2
        || ring.shape().dim(1) != metrics.size()) {
      throw new IllegalArgumentException(
          "the ring is "
              + ring
              + " for "
              + metrics.size()
              + " metrics, "
              + iterationsPerEpoch
              + " iterations an epoch");
    }
  }
}
