package dev.kantor.metrics;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.kantor.data.SplitMix;
import java.util.Arrays;
import java.util.List;
import org.apache.commons.math3.linear.EigenDecomposition;
import org.apache.commons.math3.linear.MatrixUtils;
import org.apache.commons.math3.linear.RealMatrix;
import org.apache.commons.math3.stat.correlation.Covariance;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The Fréchet distance and what it is made of, against closed forms and Commons Math. */
class FrechetTest {
  private static double[][] random(int rows, int columns, long seed) {
    SplitMix random = new SplitMix(seed, 0);
    double[][] m = new double[rows][columns];
    for (double[] row : m) {
      Arrays.setAll(row, i -> random.normal());
    }
    return m;
  }

  /** B B' / n, of rank at most {@code rank}. */
  private static double[][] semiDefinite(int n, int rank, long seed) {
    RealMatrix b = MatrixUtils.createRealMatrix(random(n, rank, seed));
    return b.multiply(b.transpose()).scalarMultiply(1.0 / n).getData();
  }

  private static double largestDifference(double[][] a, double[][] b) {
    double most = 0;
    for (int i = 0; i < a.length; i++) {
      for (int j = 0; j < a.length; j++) {
        most = Math.max(most, Math.abs(a[i][j] - b[i][j]));
      }
    }
    return most;
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 17, 64})
  void decomposesAndTakesRootsAsCommonsMathDoes(int n) {
    double[][] matrix = semiDefinite(n, n + 3, n);
    SymmetricEigen eigen = SymmetricEigen.of(matrix);
    EigenDecomposition expected = new EigenDecomposition(MatrixUtils.createRealMatrix(matrix));
    double[] values = eigen.values().clone();
    double[] expectedValues = expected.getRealEigenvalues();
    Arrays.sort(values);
    Arrays.sort(expectedValues);
    assertArrayEquals(expectedValues, values, 1e-12);
    assertTrue(largestDifference(expected.getSquareRoot().getData(), eigen.squareRoot()) < 1e-10);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 17, 64})
  void findsEigenvaluesAlone(int n) {
    for (double[][] matrix :
        List.of(semiDefinite(n, n + 3, n), semiDefinite(n, Math.max(1, n / 3), n), indefinite(n))) {
      double[] expected =
          new EigenDecomposition(MatrixUtils.createRealMatrix(matrix)).getRealEigenvalues();
      double[] values = Tridiagonal.eigenvalues(matrix);
      Arrays.sort(expected);
      Arrays.sort(values);
      assertArrayEquals(expected, values, 1e-12 * n);
    }
    double[][] diagonal = new double[n][n];
    diagonal[n - 1][n - 1] = 3;
    assertEquals(3, Arrays.stream(Tridiagonal.eigenvalues(diagonal)).sum());
  }

  /** Symmetric, with eigenvalues of both signs. */
  private static double[][] indefinite(int n) {
    RealMatrix b = MatrixUtils.createRealMatrix(random(n, n, 100 + n));
    return b.add(b.transpose()).getData();
  }

  @Test
  void aSingularMatrixHasARoot() {
    double[][] matrix = semiDefinite(20, 5, 1);
    RealMatrix root = MatrixUtils.createRealMatrix(SymmetricEigen.of(matrix).squareRoot());
    assertTrue(largestDifference(root.multiply(root).getData(), matrix) < 1e-12);
    assertArrayEquals(new double[3], SymmetricEigen.of(new double[3][3]).values());
  }

  @Test
  void fitsMeanAndCovariance() {
    double[][] rows = random(50, 4, 2);
    float[][] narrow = new float[50][4];
    for (int i = 0; i < 50; i++) {
      for (int j = 0; j < 4; j++) {
        narrow[i][j] = (float) rows[i][j];
        rows[i][j] = narrow[i][j];
      }
    }
    Gaussian fitted = Gaussian.fit(Features.of(narrow));
    assertTrue(
        largestDifference(new Covariance(rows).getCovarianceMatrix().getData(), fitted.covariance())
            < 1e-14);
    assertEquals(
        Arrays.stream(rows).mapToDouble(r -> r[2]).average().orElseThrow(),
        fitted.mean()[2],
        1e-15);
  }

  @Test
  void equalsClosedForms() {
    double[][] covariance = semiDefinite(6, 9, 3);
    double[] zero = new double[6];
    double[] there = {1, -2, 0, 0.5, 0, 3};
    assertEquals(
        0, new Gaussian(zero, covariance).frechetDistance(new Gaussian(zero, covariance)), 1e-12);
    assertEquals(
        14.25,
        new Gaussian(zero, covariance).frechetDistance(new Gaussian(there, covariance)),
        1e-11);
    // Of diagonal ones: the sum of (sqrt a - sqrt b)^2.
    double[][] a = {{4, 0}, {0, 9}};
    double[][] b = {{1, 0}, {0, 0}};
    double[] mean = {0, 0};
    assertEquals(1 + 9, new Gaussian(mean, a).frechetDistance(new Gaussian(mean, b)), 1e-12);
    assertEquals(1 + 9, new Gaussian(mean, b).frechetDistance(new Gaussian(mean, a)), 1e-12);
  }

  @Test
  void equalsTheFormulaWithTheRootOfTheProduct() {
    double[][] a = semiDefinite(12, 20, 4);
    double[][] b = semiDefinite(12, 15, 5);
    RealMatrix product = MatrixUtils.createRealMatrix(a).multiply(MatrixUtils.createRealMatrix(b));
    double expected =
        MatrixUtils.createRealMatrix(a).getTrace() + MatrixUtils.createRealMatrix(b).getTrace();
    for (double value : new EigenDecomposition(product).getRealEigenvalues()) {
      expected -= 2 * Math.sqrt(value);
    }
    double[] mean = new double[12];
    assertEquals(expected, new Gaussian(mean, a).frechetDistance(new Gaussian(mean, b)), 1e-11);
  }

  @Test
  void saysWhatCannotBe() {
    assertThrows(IllegalArgumentException.class, () -> SymmetricEigen.of(new double[][] {{1, 2}}));
    assertThrows(
        IllegalArgumentException.class, () -> SymmetricEigen.of(new double[][] {{Double.NaN}}));
    String message =
        assertThrows(
                IllegalArgumentException.class,
                () -> Gaussian.fit(new Features(2, 2, new float[4])))
            .getMessage();
    assertTrue(message.contains("give more than 2"), message);
  }
}
