package dev.kantor.metrics;

/**
 * Eigenvalues alone of a real symmetric matrix, where the vectors are not asked for: Householder
 * reflections to three diagonals, then implicit QL steps (Golub, Van Loan 2013, algorithms 8.3.1
 * and 8.3.2). In 4/3 n^3 operations, where {@link SymmetricEigen} takes sixty; an eigenvalue is off
 * by roundings of the largest, not of itself.
 */
final class Tridiagonal {
  private static final int MOST_STEPS = 60;

  private final double[] diagonal;

  /** Element i is beside diagonal elements i and i + 1; the last is 0. */
  private final double[] beside;

  private Tridiagonal(double[] diagonal, double[] beside) {
    this.diagonal = diagonal;
    this.beside = beside;
  }

  /**
   * The eigenvalues of a matrix, in no order in particular.
   *
   * @param matrix [n, n]; not changed. What is below its diagonal is used, with the diagonal
   */
  static double[] eigenvalues(double[][] matrix) {
    double[][] a = new double[matrix.length][];
    for (int i = 0; i < a.length; i++) {
      a[i] = matrix[i].clone();
    }
    Tridiagonal t = reduce(a);
    t.diagonalise();
    return t.diagonal;
  }

  /** Takes away row after row, from the last, what is not on the three diagonals. */
  private static Tridiagonal reduce(double[][] a) {
    int n = a.length;
    double[] diagonal = new double[n];
    double[] beside = new double[n];
    double[] p = new double[n];
    for (int i = n - 1; i > 0; i--) {
      double[] u = a[i];
      diagonal[i] = u[i];
      double norm = 0;
      for (int k = 0; k < i; k++) {
        norm = Math.hypot(norm, u[k]);
      }
      // Reflects u, of length i, onto its last coordinate.
      double alpha = u[i - 1] > 0 ? -norm : norm;
      beside[i - 1] = alpha;
      u[i - 1] -= alpha;
      double half = norm * norm - alpha * (u[i - 1] + alpha);
      if (half == 0) {
        continue;
      }
      double along = 0;
      for (int j = 0; j < i; j++) {
        p[j] = 0;
      }
      for (int j = 0; j < i; j++) {
        double sum = a[j][j] * u[j];
        for (int k = 0; k < j; k++) {
          sum += a[j][k] * u[k];
          p[k] += a[j][k] * u[j];
        }
        p[j] += sum;
      }
      for (int j = 0; j < i; j++) {
        p[j] /= half;
        along += p[j] * u[j];
      }
      along /= 2 * half;
      for (int j = 0; j < i; j++) {
        p[j] -= along * u[j];
      }
      for (int j = 0; j < i; j++) {
        double[] row = a[j];
        for (int k = 0; k <= j; k++) {
          row[k] -= u[j] * p[k] + p[j] * u[k];
        }
      }
    }
    diagonal[0] = a[0][0];
    return new Tridiagonal(diagonal, beside);
  }

  private void diagonalise() {
    for (int first = 0; first < diagonal.length; first++) {
      for (int steps = 0; ; steps++) {
        int last = first;
        while (last < diagonal.length - 1 && !isNegligible(last)) {
          last++;
        }
        if (last == first) {
          break;
        }
        if (steps == MOST_STEPS) {
          throw new ArithmeticException("the QL algorithm did not converge");
        }
        step(first, last);
      }
    }
  }

  private boolean isNegligible(int i) {
    double around = Math.abs(diagonal[i]) + Math.abs(diagonal[i + 1]);
    return around + Math.abs(beside[i]) == around;
  }

  /** A QL step with Wilkinson's shift on the rows from first to last. */
  private void step(int first, int last) {
    double half = (diagonal[first + 1] - diagonal[first]) / (2 * beside[first]);
    double root = Math.hypot(half, 1);
    double g =
        diagonal[last] - diagonal[first] + beside[first] / (half + Math.copySign(root, half));
    double sine = 1;
    double cosine = 1;
    double shift = 0;
    for (int i = last - 1; i >= first; i--) {
      double f = sine * beside[i];
      double b = cosine * beside[i];
      double r = Math.hypot(f, g);
      beside[i + 1] = r;
      if (r == 0) {
        diagonal[i + 1] -= shift;
        beside[last] = 0;
        return;
      }
      sine = f / r;
      cosine = g / r;
      g = diagonal[i + 1] - shift;
      double between = (diagonal[i] - g) * sine + 2 * cosine * b;
      shift = sine * between;
      diagonal[i + 1] = g + shift;
      g = cosine * between - b;
    }
    diagonal[first] -= shift;
    beside[first] = g;
    beside[last] = 0;
  }
}
