package dev.kantor.bench.libtorch;

import java.util.Arrays;

/** What is trained: two networks that play for an objective. */
enum Variant {
  GAN("gan", Objective.MINIMAX, false),
  GAN_SATURATING("gan-saturating", Objective.SATURATING, false),
  WGAN("wgan", Objective.CLIPPED, false),
  WGAN_GP("wgan-gp", Objective.PENALISED, false),
  DCGAN("dcgan", Objective.MINIMAX, true),
  WDCGAN("wdcgan", Objective.CLIPPED, true),
  WDCGAN_GP("wdcgan-gp", Objective.PENALISED, true),
  /** A variational autoencoder judged by a critic and a classifier: {@link CvaeTraining}. */
  CVAE_GAN("cvae-gan", Objective.MINIMAX, true);

  /** What the two networks play for. */
  enum Objective {
    /**
     * Minimax BCE on logits; the generator's loss is non-saturating, BCE(D(G(z)), 1). Goodfellow et
     * al. 2014.
     */
    MINIMAX,
    /** As {@link #MINIMAX}, the generator's loss being mean log(1 - sigmoid(D(G(z)))). */
    SATURATING,
    /**
     * Mean D(fake) - mean D(real), the weights of linear layers and convolutions clipped after each
     * critic step. Arjovsky et al. 2017.
     */
    CLIPPED,
    /**
     * As {@link #CLIPPED}, with the two-sided gradient penalty instead of clipping. Gulrajani et
     * al. 2017.
     */
    PENALISED;

    /** Whether the critic's output is a score to be averaged rather than a logit. */
    boolean wasserstein() {
      return this == CLIPPED || this == PENALISED;
    }
  }

  final String label;
  final Objective objective;
  final boolean convolutional;

  Variant(String label, Objective objective, boolean convolutional) {
    this.label = label;
    this.objective = objective;
    this.convolutional = convolutional;
  }

  boolean penalised() {
    return objective == Objective.PENALISED;
  }

  /**
   * The variant of that name.
   *
   * @throws IllegalArgumentException if there is none
   */
  static Variant of(String label) {
    return Arrays.stream(values())
        .filter(variant -> variant.label.equals(label))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "unknown variant "
                        + label
                        + "; known: "
                        + String.join(", ", Arrays.stream(values()).map(v -> v.label).toList())));
  }
}
