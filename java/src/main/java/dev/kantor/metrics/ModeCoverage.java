package dev.kantor.metrics;

import dev.kantor.data.PointSet;
import java.util.Arrays;
import java.util.List;

/**
 * How samples lie to the modes of a known mixture of equal Gaussians.
 *
 * @param good how many samples of high quality each mode has
 * @param highQuality the share of samples within three standard deviations of their nearest mode
 *     (there); of true samples in the plane 1 - exp(-9/2) = 0.989 are
 * @param reverseDivergence KL(p || u) in nats of the shares p of samples whose nearest mode each is
 *     from equal ones, samples of low quality included: 0 if the generator serves all modes alike,
 *     log(modes) if it serves one only (as Metz et al. 2017 measure it for stacked digits, and Lin
 *     et al. 2018, PacGAN, for these sets); NaN if no sample is finite
 */
public record ModeCoverage(List<Long> good, double highQuality, double reverseDivergence) {
  /** Farther than so many standard deviations from each mode, a sample is of low quality. */
  public static final double HIGH_QUALITY_DEVIATIONS = 3;

  /** Of true samples of the mixture, the share of high quality. */
  private static final double TRUE_QUALITY =
      1 - Math.exp(-HIGH_QUALITY_DEVIATIONS * HIGH_QUALITY_DEVIATIONS / 2);

  public ModeCoverage {
    good = List.copyOf(good);
  }

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
    return new ModeCoverage(
        Arrays.stream(close).boxed().toList(),
        Arrays.stream(close).sum() / (points.length / 2.0),
        new ClassHistogram(nearest).divergenceFromUniform());
  }

  /** How many modes the mixture has. */
  public int modes() {
    return good.size();
  }

  /** How many modes have at least one sample of high quality (Srivastava et al. 2017, VEEGAN). */
  public int covered() {
    return (int) good.stream().filter(g -> g > 0).count();
  }

  /**
   * How far the shares of samples of high quality at each mode, and of low quality, are from those
   * of true samples: the total variation distance, half the sum of the absolute differences. In [0,
   * 1], 0 is best; it rises both where modes are lost and where samples lie between them, so it
   * ranks generators.
   */
  public double distance() {
    double total = Math.max(1, good.stream().mapToLong(Long::longValue).sum());
    double sum = Math.abs(TRUE_QUALITY - highQuality);
    for (long g : good) {
      sum += Math.abs(g / total * highQuality - TRUE_QUALITY / good.size());
    }
    return sum / 2;
  }
}
