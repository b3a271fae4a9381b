package dev.kantor.report;

import java.util.List;

/**
 * Metrics of a run that share a panel.
 *
 * @param title of the panel
 * @param axis what is up the vertical axis
 * @param logarithmic whether that axis is
 * @param columns names of the metrics, as in {@code metrics.csv}, or of measures
 */
public record Curves(String title, String axis, boolean logarithmic, List<String> columns) {
  /** Panels for whatever the models report, in the order in which they are shown. */
  public static final List<Curves> ALL =
      List.of(
          new Curves(
              "Losses",
              "loss",
              false,
              List.of("critic_loss", "generator_loss", "penalty", "class_loss", "classifier_loss")),
          new Curves(
              "Autoencoder", "nats an image", true, List.of("reconstruction_loss", "divergence")),
          new Curves("Distance estimate", "distance", false, List.of("distance")),
          new Curves("Classes", "share", false, List.of("classifier_accuracy", "class_agreement")),
          new Curves(
              "Gradient norms",
              "norm",
              true,
              List.of(
                  "critic_gradient_norm", "generator_gradient_norm", "classifier_gradient_norm")));

  /** Panels for the measures of evaluations, by their names there; a data set has some of them. */
  public static final List<Curves> EVALUATIONS =
      List.of(
          new Curves("FD-judge", "distance", true, List.of("fd-judge")),
          new Curves("Mode distance", "share", false, List.of("mode-distance")),
          new Curves("Classes covered", "classes", false, List.of("classes-covered")),
          new Curves("Modes covered", "modes", false, List.of("modes-covered")),
          new Curves(
              "Quality and diversity",
              "share",
              false,
              List.of("precision", "recall", "coverage", "accepted", "high-quality", "agreement")));

  public Curves {
    columns = List.copyOf(columns);
  }
}
