package dev.kantor.metrics;

/**
 * Eigenvalues and eigenvectors of a real symmetric matrix, A = V diag(values) V', by cyclic Jacobi
 * rotations (Golub, Van Loan 2013, algorithm 8.5.3): slower than a tridiagonal solver, but accurate
 * for small eigenvalues too and the same on every machine. A sweep takes 6 n^3 operations, and
 * about ten are needed.
 *
 * @param values in the order of the columns of {@code vectors}, which is none in particular
 * @param vectors [n, n], a unit vector in each column
 */
public record SymmetricEigen(double[] values, double[][] vectors) {
  private static final int MOST_SWEEPS = 60;

  /** Of the matrix's norm: less than this beside the diagonal is rounding. */
  private static final double NEGLIGIBLE = 1e-15;

  /**
   * Decomposes a matrix.
   *
   * @param matrix [n, n]; not changed. What is above its diagonal is used
   * @throws IllegalArgumentException if it is not square or holds a number that is not finite
   */
  public static SymmetricEigen of(double[][] matrix) {
    int n = matrix.length;
    double[][] a = new double[n][];
    double[][] v = new double[n][n];
    double norm = 0;
    for (int i = 0; i < n; i++) {
      if (matrix[i].length != n) {
        throw new IllegalArgumentException(
            "the matrix is not square: " + n + " rows, but row " + i + " has " + matrix[i].length);
      }
      a[i] = matrix[i].clone();
      for (double x : a[i]) {
        norm += x * x;
      }
      v[i][i] = 1;
    }
    if (!Double.isFinite(norm)) {
      throw new IllegalArgumentException("the matrix holds a number that is not finite");
    }
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < i; j++) {
        a[i][j] = a[j][i];
      }
    }
    double least = NEGLIGIBLE * Math.sqrt(norm);
    int sweeps = 0;
    while (offDiagonal(a) > least) {
      if (sweeps++ == MOST_SWEEPS) {
        throw new ArithmeticException("Jacobi's method did not converge");
      }
      for (int p = 0; p < n; p++) {
        for (int q = p + 1; q < n; q++) {
          if (a[p][q] != 0) {
            rotate(a, v, p, q);
          }
        }
      }
    }
    double[] values = new double[n];
    for (int i = 0; i < n; i++) {
      values[i] = a[i][i];
    }
    // The rows of v were rotated, for they lie together in memory.
    return new SymmetricEigen(values, transposed(v));
  }

  /** Turns rows and columns p and q of a so that a[p][q] becomes 0. */
  private static void rotate(double[][] a, double[][] v, int p, int q) {
    double theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
    double t = Math.copySign(1, theta) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
    double c = 1 / Math.sqrt(t * t + 1);
    double s = t * c;
    turn(a[p], a[q], c, s);
    for (double[] row : a) {
      double x = row[p];
      row[p] = c * x - s * row[q];
      row[q] = s * x + c * row[q];
    }
    a[p][q] = 0;
    a[q][p] = 0;
    turn(v[p], v[q], c, s);
  }

  private static void turn(double[] x, double[] y, double c, double s) {
    for (int k = 0; k < x.length; k++) {
      double old = x[k];
      x[k] = c * old - s * y[k];
      y[k] = s * old + c * y[k];
    }
  }

  private static double offDiagonal(double[][] a) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      for (int j = i + 1; j < a.length; j++) {
        sum += 2 * a[i][j] * a[i][j];
      }
    }
    return Math.sqrt(sum);
  }

  private static double[][] transposed(double[][] v) {
    double[][] t = new double[v.length][v.length];
    for (int i = 0; i < v.length; i++) {
      for (int j = 0; j < v.length; j++) {
        t[j][i] = v[i][j];
      }
    }
    return t;
  }

  /**
   * The symmetric square root of a positive semi-definite matrix, V diag(sqrt(values)) V'. Negative
   * eigenvalues, which rounding leaves of zeros, count as 0.
   */
  public double[][] squareRoot() {
    int n = values.length;
    double[][] root = new double[n][n];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j <= i; j++) {
        double sum = 0;
        for (int k = 0; k < n; k++) {
          sum += vectors[i][k] * Math.sqrt(Math.max(0, values[k])) * vectors[j][k];
        }
        root[i][j] = sum;
        root[j][i] = sum;
      }
    }
    return root;
  }
}
