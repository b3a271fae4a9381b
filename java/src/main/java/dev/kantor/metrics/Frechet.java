package dev.kantor.metrics;

/**
 * Fréchet distances from one normal distribution. What they need to know of it is found out once.
 */
final class Frechet {
  private final Gaussian from;
  private final double[][] root;

  Frechet(Gaussian from) {
    this.from = from;
    root = SymmetricEigen.of(from.covariance()).squareRoot();
  }

  /**
   * The squared Fréchet (2-Wasserstein) distance of two normal distributions, |m - m'|^2 + tr(S +
   * S' - 2 (S S')^(1/2)) (Dowson, Landau 1982), as Heusel et al. 2017 apply it to features of
   * images. The root's trace is that of the root of the symmetric S^(1/2) S' S^(1/2), which has the
   * eigenvalues of S S' and needs no complex numbers.
   */
  double distance(Gaussian to) {
    int n = root.length;
    if (to.mean().length != n) {
      throw new IllegalArgumentException(
          "Gaussians of " + n + " and of " + to.mean().length + " dimensions");
    }
    double distance = 0;
    for (int i = 0; i < n; i++) {
      double d = from.mean()[i] - to.mean()[i];
      distance += d * d + from.covariance()[i][i] + to.covariance()[i][i];
    }
    for (double value : Tridiagonal.eigenvalues(product(product(root, to.covariance()), root))) {
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
