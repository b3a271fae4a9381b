package dev.kantor.compare;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * Claims about how the critic's weights are distributed at the end, layer by layer: one of many
 * small weights would hide what happens in another ({@link LayerWeights#isPiled}).
 */
final class WeightClaims {
  private final Comparison all;

  WeightClaims(Comparison all) {
    this.all = all;
  }

  Claim piles() {
    String text = "wgan's weights pile up at ±c, in every layer.";
    return claim(text, "wgan", "±c", layers -> layers.stream().allMatch(LayerWeights::isPiled));
  }

  Claim noPile() {
    String text = "wgan-gp's weights do not pile up, in no layer.";
    return claim(
        text, "wgan-gp", "the largest", layers -> layers.stream().noneMatch(LayerWeights::isPiled));
  }

  /**
   * @param holds of the layers of each training
   */
  private Claim claim(
      String text, String variant, String limit, Predicate<List<LayerWeights>> holds) {
    Optional<Entry> entry = Claims.plain(all, variant);
    List<List<LayerWeights>> trainings =
        entry.stream()
            .flatMap(e -> e.sound().stream())
            .map(RunResult::layers)
            .filter(layers -> !layers.isEmpty())
            .toList();
    if (trainings.isEmpty()) {
      return Claim.notMeasured(text, "compare " + variant);
    }
    List<String> parts = new ArrayList<>();
    for (int i = 0; i < trainings.getFirst().size(); i++) {
      int layer = i;
      List<LayerWeights> same = trainings.stream().map(t -> t.get(layer)).toList();
      parts.add(
          String.format(
              Locale.ROOT,
              "%s × (%s %% of them)",
              Spread.of(same.stream().map(LayerWeights::pile).toList()),
              Spread.of(same.stream().map(l -> 100 * l.share()).toList())));
    }
    return Claim.of(
        text,
        trainings.stream().allMatch(holds),
        String.format(
            Locale.ROOT,
            "within %.0f %% of %s the weights of its layers, the first one first, are %s as dense"
                + " as just inside or if spread evenly; from %s × on they pile up",
            100 * LayerWeights.END,
            limit,
            String.join(", ", parts),
            LayerWeights.PILE));
  }
}
