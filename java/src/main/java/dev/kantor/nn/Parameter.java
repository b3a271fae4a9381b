package dev.kantor.nn;

import dev.kantor.graph.Slot;
import java.util.Objects;

/**
 * A tensor of a network: a trained one, or a buffer.
 *
 * @param slot where it lives
 * @param initial how it starts
 * @param isWeight whether weight clipping and weight decay apply: weights of linear and convolution
 *     layers, not biases or scales
 */
public record Parameter(Slot slot, Initial initial, boolean isWeight) {
  public Parameter {
    Objects.requireNonNull(slot, "slot");
    Objects.requireNonNull(initial, "initial");
  }

  /** How a parameter starts. */
  public sealed interface Initial {
    /** Uniform in [-bound, bound). */
    record Uniform(double bound) implements Initial {}

    /** Normal with mean 0. */
    record Normal(double deviation) implements Initial {}

    record Constant(double value) implements Initial {}
  }
}
