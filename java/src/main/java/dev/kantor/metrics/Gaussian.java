package dev.kantor.metrics;

import java.util.Arrays;

/**
 * A normal distribution.
 *
 * @param mean [n]
 * @param covariance [n, n], symmetric and positive semi-definite
 */
public record Gaussian(double[] mean, double[][] covariance) {
  public Gaussian {
    if (mean.length == 0 || covariance.length != mean.length) {
      throw new IllegalArgumentException(
          "a mean of " + mean.length + " numbers for a covariance of " + covariance.length);
    }
  }

  /**
   * The one with the mean and the covariance (divided by count - 1) of points.
   *
   * @throws IllegalArgumentException if there are no more points than numbers in one: the
   *     covariance would be singular and a distance from it meaningless
   */
  public static Gaussian fit(Features points) {
    int[] all = new int[points.count()];
    Arrays.setAll(all, i -> i);
    return fit(points, all);
  }

  /**
   * The same of some of the points.
   *
   * @param rows which; some may come more than once
   */
  static Gaussian fit(Features points, int[] rows) {
    int n = points.width();
    int count = rows.length;
    if (count <= n) {
      throw new IllegalArgumentException(
          "a Gaussian of "
              + n
              + " features cannot be fitted to "
              + count
              + " samples; give more than "
              + n);
    }
    double[] mean = new double[n];
    for (int row : rows) {
      for (int i = 0; i < n; i++) {
        mean[i] += points.values()[row * n + i];
      }
    }
    for (int i = 0; i < n; i++) {
      mean[i] /= count;
    }
    double[][] covariance = new double[n][n];
    double[] centred = new double[n];
    for (int row : rows) {
      for (int i = 0; i < n; i++) {
        centred[i] = points.values()[row * n + i] - mean[i];
      }
      for (int i = 0; i < n; i++) {
        double x = centred[i];
        double[] to = covariance[i];
        for (int j = 0; j <= i; j++) {
          to[j] += x * centred[j];
        }
      }
    }
    for (int i = 0; i < n; i++) {
      for (int j = 0; j <= i; j++) {
        covariance[i][j] /= count - 1;
        covariance[j][i] = covariance[i][j];
      }
    }
    return new Gaussian(mean, covariance);
  }

  /** The squared Fréchet distance from another, see {@link Frechet#distance}. */
  public double frechetDistance(Gaussian other) {
    return new Frechet(this).distance(other);
  }
}
