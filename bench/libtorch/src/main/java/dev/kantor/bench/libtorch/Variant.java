package dev.kantor.bench.libtorch;

import java.util.Arrays;

/** What the two networks play for. */
enum Variant {
  /**
   * Minimax BCE on logits; the generator's loss is non-saturating, BCE(D(G(z)), 1). Goodfellow et
   * al. 2014.
   */
  GAN("gan"),
  /** As {@link #GAN}, the generator's loss being mean log(1 - sigmoid(D(G(z)))). */
  GAN_SATURATING("gan-saturating"),
  /**
   * Mean D(fake) - mean D(real), Linear weights clipped after each critic step. Arjovsky et al.
   * 2017.
   */
  WGAN("wgan"),
  /**
   * As {@link #WGAN}, with the two-sided gradient penalty instead of clipping. Gulrajani et al.
   * 2017.
   */
  WGAN_GP("wgan-gp");

  final String label;

  Variant(String label) {
    this.label = label;
  }

  /** Whether the critic's output is a score to be averaged rather than a logit. */
  boolean wasserstein() {
    return this == WGAN || this == WGAN_GP;
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
                    "unknown variant " + label + "; known: gan, gan-saturating, wgan, wgan-gp"));
  }
}
