package dev.kantor.metrics;

import dev.kantor.data.PointSet;
import java.util.List;

/**
 * How samples lie to the modes of a known mixture of equal Gaussians.
 *
 * @param modes of the mixture
 * @param covered how many modes have at least one sample of high quality (Srivastava et al. 2017,
 *     VEEGAN)
 * @param highQuality the share of samples within three standard deviations of their nearest mode
 *     (there); of true samples in the plane 1 - exp(-9/2) = 0.989 are
 * @param reverseDivergence KL(p || u) in nats of the shares p of samples whose nearest mode each is
 *     from equal ones, samples of low quality included: 0 if the generator serves all modes alike,
 *     log(modes) if it serves one only (as Metz et al. 2017 measure it for stacked digits, and Lin
 *     et al. 2018, PacGAN, for these sets); NaN if no sample is finite
 */
public record ModeCoverage(int modes, int covered, double highQuality, double reverseDivergence) {
  /** Farther than so many standard deviations from each mode, a sample is of low quality. */
  public static final double HIGH_QUALITY_DEVIATIONS = 3;

  /** Coverage of the modes that a set's points are drawn from. */
  public static ModeCoverage of(float[] points, PointSet target) {
    return of(points, target.centres(), target.sigma());
  }

  /**
   * Coverage of modes.
   *
   * @param points [count, 2], at least one; one that is not finite is of no mode and of low quality
   * @param sigma of the modes, in each direction
   * @throws IllegalArgumentException if there are no points or no modes
   */
  public static ModeCoverage of(float[] points, List<PointSet.Centre> centres, double sigma) {
    if (points.length == 0 || points.length % 2 != 0 || centres.isEmpty() || !(sigma > 0)) {
      throw new IllegalArgumentException(
          "expected pairs of numbers, modes and a positive sigma: "
              + points.length
              + " numbers, "
              + centres.size()
              + " modes, sigma "
              + sigma);
    }
    long[] nearest = new long[centres.size()];
    long[] close = new long[centres.size()];
    for (int i = 0; i < points.length; i += 2) {
      double least = Double.POSITIVE_INFINITY;
      int mode = -1;
      for (int k = 0; k < centres.size(); k++) {
        double distance =
            Math.hypot(points[i] - centres.get(k).x(), points[i + 1] - centres.get(k).y());
        if (distance < least) {
          least = distance;
          mode = k;
        }
      }
      if (mode >= 0) {
        nearest[mode]++;
        close[mode] += least <= HIGH_QUALITY_DEVIATIONS * sigma ? 1 : 0;
      }
    }
    ClassHistogram good = new ClassHistogram(close);
    return new ModeCoverage(
        centres.size(),
        good.covered(0),
        good.total() / (points.length / 2.0),
        new ClassHistogram(nearest).divergenceFromUniform());
  }
}
