package dev.kantor.gan;

import dev.kantor.graph.Slot;
import dev.kantor.graph.State;
import dev.kantor.graph.Trace;
import dev.kantor.graph.Value;
import dev.kantor.nn.Parameter;
import dev.kantor.tensor.Shape;
import java.util.List;
import java.util.Optional;

/**
 * What is trained: networks, and the updates of one iteration. Every variant is one, so they share
 * the loop, the checkpoints and the command line.
 */
public interface Model {
  /**
   * The model that settings describe, for images.
   *
   * @throws IllegalArgumentException naming the setting that has no good value
   */
  static Model of(Settings s, long channels, long height, long width) {
    return switch (Variant.of(s.variant()).family()) {
      case GAN -> Design.of(s, channels, height, width);
      case CVAE_GAN -> CvaeGan.of(s, channels, height, width);
      case CLASSIFIER -> Classifier.of(s, channels, height, width);
    };
  }

  /**
   * The model that settings describe.
   *
   * @param sample what one sample is: [channels, height, width] for images, [numbers] for anything
   *     else, points for one
   * @throws IllegalArgumentException naming the setting that has no good value, or if the variant
   *     learns from images only
   */
  static Model of(Settings s, Shape sample) {
    if (sample.rank() == 3) {
      return of(s, sample.dim(0), sample.dim(1), sample.dim(2));
    }
    if (sample.rank() != 1) {
      throw new IllegalArgumentException(
          "a sample is [channels, height, width] or [numbers], not " + sample);
    }
    if (Variant.of(s.variant()).family() != Family.GAN) {
      throw new IllegalArgumentException(
          s.variant() + " learns from images; on points train gan, wgan or wgan-gp");
    }
    return Design.ofNumbers(s, sample.dim(0));
  }

  /** Samples in a batch. */
  long batchSize();

  /** Fresh batches that an iteration takes. */
  int batchesPerIteration();

  /** How many classes the labels that it learns from tell apart; 0 if it takes none. */
  long classes();

  /** How it draws; empty if it draws nothing. */
  Optional<Generation> generation();

  /** Adds its parameters' and optimisers' slots to a state. */
  Bound bind(State state);

  /** A model whose tensors are in a state, ready to be written into a trace. */
  interface Bound {
    /** What an iteration reports, in this order. */
    List<String> metrics();

    /** Trained tensors, in the order in which the fault flag numbers their gradients. */
    List<Parameter> parameters();

    /**
     * Writes the first values of all tensors. Run the program once.
     *
     * @param counter i64[1], 0
     */
    void traceInitial(Trace t, Slot seed, Slot counter);

    /**
     * Writes one iteration.
     *
     * @param counter what the fault flag records as the time
     * @return {@link #metrics}, scalars
     */
    List<Value> traceIteration(Trace t, Batches batches, Slot counter);
  }
}
