package dev.kantor.compare;

import dev.kantor.train.Evaluated;
import java.util.ArrayList;
import java.util.List;

/**
 * A measure of samples, for people.
 *
 * @param name as in the evaluation
 * @param title for people
 * @param better which way is better
 * @param meaning in a sentence
 */
public record Criterion(String name, String title, Better better, String meaning) {
  /** Which way is better. */
  public enum Better {
    LESS,
    MORE,
    /** It is neither good nor bad by itself. */
    NEITHER
  }

  private static final List<Criterion> KNOWN =
      List.of(
          new Criterion(
              "fd-judge",
              "FD-judge",
              Better.LESS,
              "Fréchet distance between real and drawn images in the judge's features (no Inception"
                  + " FID)"),
          new Criterion(
              "precision",
              "precision",
              Better.MORE,
              "share of drawn images that look like real ones"),
          new Criterion(
              "recall", "recall", Better.MORE, "share of real images that drawn ones look like"),
          new Criterion(
              "density", "density", Better.MORE, "how densely real images surround drawn ones"),
          new Criterion(
              "coverage",
              "coverage",
              Better.MORE,
              "share of real images with a drawn one in their neighbourhood"),
          new Criterion(
              "classes-covered",
              "classes",
              Better.MORE,
              "classes that have at least a tenth of their fair share of the samples"),
          new Criterion(
              "kl-from-uniform",
              "KL of classes",
              Better.LESS,
              "divergence of the classes from equal shares, in nats"),
          new Criterion(
              "accepted",
              "accepted",
              Better.MORE,
              "share of samples that the judge takes for one of the classes"),
          new Criterion(
              "confidence", "confidence", Better.MORE, "mean probability of the judge's decision"),
          new Criterion(
              "agreement",
              "agreement",
              Better.MORE,
              "share of samples that show the class that was asked for"),
          new Criterion(
              "modes-covered", "modes", Better.MORE, "modes that have samples of high quality"),
          new Criterion(
              "high-quality",
              "high quality",
              Better.MORE,
              "share of samples within three standard deviations of a mode"),
          new Criterion(
              "reverse-kl",
              "reverse KL",
              Better.LESS,
              "divergence of the modes' shares from those of the data, in nats"),
          new Criterion(
              "mode-distance",
              "mode distance",
              Better.LESS,
              "distance of the samples from the mixture"),
          new Criterion(
              "nearest-training-image",
              "nearest training image",
              Better.NEITHER,
              "mean distance to the nearest training image in pixels; near 0 means copying"));

  /** Those that evaluations have, the best known first. */
  static List<Criterion> in(List<Evaluated> evaluations) {
    List<Criterion> found = new ArrayList<>();
    for (Criterion c : KNOWN) {
      if (evaluations.stream().anyMatch(e -> !Double.isNaN(e.value(c.name)))) {
        found.add(c);
      }
    }
    return found;
  }
}
