package dev.kantor.cli;

import dev.kantor.data.PointSet;
import dev.kantor.gan.Scores;
import dev.kantor.metrics.ModeCoverage;
import dev.kantor.report.Field;
import dev.kantor.report.Figure;
import dev.kantor.report.Panel;
import dev.kantor.report.Scatter;
import dev.kantor.report.Series;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Generated points of the plane as pictures. */
final class PointPictures {
  private static final int WIDTH = 620;
  private static final int PANEL_HEIGHT = 597;
  private static final int CELLS = 101;

  private PointPictures() {}

  /** Draws samples over the density of what they should be like. */
  static void writeSamples(Path file, float[] points, PointSet target) throws IOException {
    new Figure(
            WIDTH, PANEL_HEIGHT, List.of(samples(points, target, ModeCoverage.of(points, target))))
        .write(file);
  }

  /**
   * Draws the same, and below it the samples over the critic's scores.
   *
   * @return how the samples cover the modes
   */
  static ModeCoverage writeProgress(Path file, float[] points, PointSet target, Scores critic)
      throws IOException {
    ModeCoverage coverage = ModeCoverage.of(points, target);
    Panel top = samples(points, target, coverage);
    Field landscape = new Field(CELLS, critic.of(Field.centres(CELLS, target.reach())));
    String title =
        String.format(
            Locale.ROOT,
            "critic: %.3g (white) to %.3g (grey)",
            landscape.lowest(),
            landscape.highest());
    Panel bottom = scatter(title, points, target, landscape);
    new Figure(WIDTH, 2 * PANEL_HEIGHT, List.of(top, bottom)).write(file);
    return coverage;
  }

  /** Coverage in words. */
  static String describe(ModeCoverage c) {
    return String.format(
        Locale.ROOT,
        "%d of %d modes, %.1f %% of high quality",
        c.covered(),
        c.modes(),
        100 * c.highQuality());
  }

  private static Panel samples(float[] points, PointSet target, ModeCoverage coverage) {
    return scatter(
        describe(coverage), points, target, Field.counts(CELLS, target.reach(), target.toFloats()));
  }

  private static Panel scatter(String title, float[] points, PointSet target, Field under) {
    double[] x = new double[points.length / 2];
    double[] y = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      x[i] = points[2 * i];
      y[i] = points[2 * i + 1];
    }
    return new Scatter(
        new Panel.Labels(title, "x", "y"),
        target.reach(),
        Optional.of(under),
        List.of(new Series("generated", x, y)));
  }
}
