package dev.kantor.metrics;

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
    int n = points.width();
    int count = points.count();
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
    for (int row = 0; row < count; row++) {
      for (int i = 0; i < n; i++) {
        mean[i] += points.values()[row * n + i];
      }
    }
    for (int i = 0; i < n; i++) {
      mean[i] /= count;
    }
    double[][] covariance = new double[n][n];
    double[] centred = new double[n];
    for (int row = 0; row < count; row++) {
      for (int i = 0; i < n; i++) {
        centred[i] = points.values()[row * n + i] - mean[i];
      }
      for (int i = 0; i < n; i++) {
        double x = centred[i];
        double[] to = covariance[i];
        for (int j = 0; j < n; j++) {
          to[j] += x * centred[j];
        }
      }
    }
    for (double[] row : covariance) {
      for (int j = 0; j < n; j++) {
        row[j] /= count - 1;
      }
    }
    return new Gaussian(mean, covariance);
  }

  /**
   * The squared Fréchet (2-Wasserstein) distance of two normal distributions, |m - m'|^2 + tr(S +
   * S' - 2 (S S')^(1/2)) (Dowson, Landau 1982), as Heusel et al. 2017 apply it to features of
   * images. The root's trace is that of the root of the symmetric S^(1/2) S' S^(1/2), which has the
   * eigenvalues of S S' and needs no complex numbers.
   */
  public double frechetDistance(Gaussian other) {
    int n = mean.length;
    if (other.mean.length != n) {
      throw new IllegalArgumentException(
          "Gaussians of " + n + " and of " + other.mean.length + " dimensions");
    }
    double distance = 0;
    for (int i = 0; i < n; i++) {
      double d = mean[i] - other.mean[i];
      distance += d * d + covariance[i][i] + other.covariance[i][i];
    }
    double[][] root = SymmetricEigen.of(covariance).squareRoot();
    for (double value :
        SymmetricEigen.of(product(product(root, other.covariance), root)).values()) {
      distance -= 2 * Math.sqrt(Math.max(0, value));
    }
    // Rounding may leave a little less than nothing of two equal ones.
    return Math.max(0, distance);
  }

  private static double[][] product(double[][] a, double[][] b) {
    int n = a.length;
    double[][] c = new double[n][n];
    for (int i = 0; i < n; i++) {
      for (int k = 0; k < n; k++) {
        double x = a[i][k];
        for (int j = 0; j < n; j++) {
          c[i][j] += x * b[k][j];
        }
      }
    }
    return c;
  }
}
