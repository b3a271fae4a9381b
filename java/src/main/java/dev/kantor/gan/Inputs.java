package dev.kantor.gan;

import dev.kantor.graph.Value;

/** Where an iteration's batches and random numbers come from. */
public interface Inputs {
  /** Real samples [batch, features] of a critic step. */
  Value real(int criticStep);

  /** Noise [batch, latent] of a critic step. */
  Value criticNoise(int criticStep);

  /** Uniform numbers [batch, 1] of a critic step, for the gradient penalty. */
  Value alpha(int criticStep);

  /** Uniform numbers [batch, features] of a critic step, for a penalty around the data. */
  Value perturbation(int criticStep);

  /** Noise [batch, latent] of the generator's step. */
  Value generatorNoise();
}
