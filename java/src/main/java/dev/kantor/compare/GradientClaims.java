package dev.kantor.compare;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Claims about how large the generator's gradients are. */
final class GradientClaims {
  /** At equilibrium the discriminator's loss is 2 log 2 = 1.39; below this it is near 0. */
  private static final double NEAR_ZERO = 0.1;

  /** A gradient that is so much smaller than it was has vanished; so much larger, exploded. */
  private static final double TENTH = 0.1;

  private final Comparison all;

  GradientClaims(Comparison all) {
    this.all = all;
  }

  /** The GAN with one of its two losses for the generator, nothing else changed. */
  static Optional<Entry> gan(Comparison all, boolean saturating) {
    return all.entries().stream()
        .filter(e -> e.contestant().variant().equals("gan") && e.isThere())
        .filter(e -> e.contestant().setting("generator-loss").equals("saturating") == saturating)
        .filter(e -> e.contestant().own().keySet().stream().allMatch("generator-loss"::equals))
        .findFirst();
  }

  Claim saturating() {
    String text =
        "The original, saturating loss of gan drives the discriminator's loss to near 0, where the"
            + " generator's gradient vanishes.";
    Optional<Entry> entry = gan(all, true);
    if (entry.isEmpty()) {
      return Claim.notMeasured(text, "compare gan+generator-loss=saturating as well");
    }
    List<Double> losses = entry.get().all("critic_loss");
    List<Double> norms = entry.get().all("generator_gradient_norm");
    List<Double> there = new ArrayList<>();
    for (int i = 0; i < losses.size(); i++) {
      if (losses.get(i) <= NEAR_ZERO) {
        there.add(norms.get(i));
      }
    }
    if (there.isEmpty()) {
      return Claim.of(
          text,
          false,
          "the lowest loss logged is " + Spread.number(Ranks.quantile(losses, 0)) + ", not near 0");
    }
    double largest = Ranks.quantile(norms, 0.95);
    double low = Ranks.quantile(there, 0.5);
    return Claim.of(
        text,
        low < TENTH * largest,
        String.format(
            Locale.ROOT,
            "the loss is below %s in %.0f %% of the rows; ‖∇G‖ is %s there in the median, %.0f %%"
                + " of its 95th percentile %s",
            NEAR_ZERO,
            100.0 * there.size() / losses.size(),
            Spread.number(low),
            100 * low / largest,
            Spread.number(largest)));
  }

  Claim clipSweep() {
    String text = "Too small a clip c makes gradients vanish, too large a c makes them explode.";
    List<Entry> sweep =
        all.entries().stream()
            .filter(Entry::isThere)
            .filter(e -> e.contestant().setting("regulariser").equals("clip"))
            .filter(e -> e.contestant().variant().equals("wgan"))
            .filter(e -> e.contestant().own().keySet().stream().allMatch("clip"::equals))
            .sorted(Comparator.comparingDouble(e -> e.contestant().settings().number("clip")))
            .toList();
    if (sweep.size() < 2) {
      return Claim.notMeasured(text, "compare wgan with --sweep clip=0.005,0.05,0.5");
    }
    List<String> parts = new ArrayList<>();
    List<Double> norms = new ArrayList<>();
    for (Entry e : sweep) {
      double norm = Ranks.quantile(e.all("generator_gradient_norm"), 0.5);
      norms.add(norm);
      parts.add(
          "c = "
              + e.contestant().setting("clip")
              + ": ‖∇G‖ "
              + Spread.number(norm)
              + ", "
              + all.rankingTitle()
              + " "
              + e.at(all.ranking(), all.images()));
    }
    boolean rises = true;
    for (int i = 1; i < norms.size(); i++) {
      rises &= norms.get(i) > norms.get(i - 1);
    }
    double middle = norms.get(norms.size() / 2);
    boolean ends =
        norms.getFirst() < TENTH * middle
            && (norms.size() == 2 || norms.getLast() > middle / TENTH);
    boolean isHeld = rises && ends;
    if (!isHeld && !isReached(sweep.getLast())) {
      return Claim.notMeasured(
          text,
          "too early: no weight has got to c = "
              + sweep.getLast().contestant().setting("clip")
              + " yet, nor did gradients explode; "
              + String.join("; ", parts));
    }
    return Claim.of(text, isHeld, "in the median " + String.join("; ", parts));
  }

  /** Whether some weight of each training's critic is clipped at the end. */
  private static boolean isReached(Entry entry) {
    return entry.sound().stream()
        .allMatch(r -> r.layers().stream().anyMatch(layer -> layer.ends() > 0));
  }
}
