package dev.kantor.compare;

import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Claims about how the critic's weights are distributed at the end. */
final class WeightClaims {
  /** Of weights spread evenly, so many are within 1 % of the limit. */
  private static final double EVEN = LayerWeights.NEAR;

  /** Ten times what an even spread has there is a pile. */
  private static final double PILE = 10 * EVEN;

  private final Comparison all;

  WeightClaims(Comparison all) {
    this.all = all;
  }

  Claim piles() {
    String text = "wgan's weights pile up at ±c.";
    return claim(text, "wgan", "c", share -> share.low() >= PILE);
  }

  Claim noPile() {
    String text = "wgan-gp's weights do not pile up.";
    return claim(text, "wgan-gp", "the largest", share -> share.high() < EVEN);
  }

  private interface Test {
    boolean holds(Spread share);
  }

  private Claim claim(String text, String variant, String limit, Test test) {
    Optional<Entry> entry =
        Claims.plain(all, variant).filter(e -> e.of(WeightClaims::share).exists());
    if (entry.isEmpty()) {
      return Claim.notMeasured(text, "compare " + variant);
    }
    Spread share = entry.get().of(WeightClaims::share);
    return Claim.of(
        text,
        test.holds(share),
        String.format(
            Locale.ROOT,
            "%.3g %% of the critic's weights are within 1 %% of %s (%.0f %% if they were spread"
                + " evenly)",
            100 * share.mean(),
            limit,
            100 * EVEN));
  }

  /** Of all the critic's weights, how many lie at their layer's limit. */
  static double share(RunResult run) {
    List<LayerWeights> layers = run.layers();
    double weights = layers.stream().mapToLong(LayerWeights::total).sum();
    return layers.stream().mapToDouble(l -> l.share() * l.total()).sum() / weights;
  }
}
