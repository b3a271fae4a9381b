package dev.kantor.metrics;

import java.util.Arrays;

/**
 * How well two sets of points cover each other, each taken as the union of balls around its points
 * that reach to their k-th nearest neighbours. Values are kept point by point, so that their means
 * can be resampled.
 *
 * @param precision for each generated point: 1 if it lies in a ball of a real one, else 0
 * @param recall for each real point: 1 if it lies in a ball of a generated one, else 0
 * @param density for each generated point: in how many balls of real ones it lies, divided by k
 * @param coverage for each real point: 1 if its ball holds a generated one, else 0
 */
public record Manifolds(double[] precision, double[] recall, double[] density, double[] coverage) {
  /** Neighbours for precision and recall: Kynkäänniemi et al. 2019, section 3. */
  public static final int PRECISION_NEIGHBOURS = 3;

  /** Neighbours for density and coverage: Naeem et al. 2020, section 3.3. */
  public static final int DENSITY_NEIGHBOURS = 5;

  /**
   * Improved precision and recall (Kynkäänniemi et al. 2019, equations 1 to 3) with k = 3; density
   * and coverage (Naeem et al. 2020, equations 2 and 3) with k = 5.
   *
   * @throws IllegalArgumentException if a set has no more than 5 points, or they are of different
   *     widths
   */
  public static Manifolds of(Features real, Features generated) {
    return of(real, generated, PRECISION_NEIGHBOURS, DENSITY_NEIGHBOURS);
  }

  /** The same with other numbers of neighbours. */
  public static Manifolds of(
      Features real, Features generated, int precisionNeighbours, int densityNeighbours) {
    return of(
        real,
        Neighbours.nearestOthers(real, Math.max(precisionNeighbours, densityNeighbours)),
        generated,
        precisionNeighbours,
        densityNeighbours);
  }

  /**
   * The same with what does not depend on the generated points.
   *
   * @param aroundReal the squared distances of each real point from its nearest other ones, at
   *     least as many as neighbours are asked for
   */
  static Manifolds of(
      Features real,
      double[][] aroundReal,
      Features generated,
      int precisionNeighbours,
      int densityNeighbours) {
    real.requireSameWidth(generated);
    double[][] aroundGenerated = Neighbours.nearestOthers(generated, precisionNeighbours);
    double[] precision = new double[generated.count()];
    int[] balls = new int[generated.count()];
    // Of a real point several threads may say that it is reached: all say the same.
    boolean[] recalled = new boolean[real.count()];
    boolean[] covered = new boolean[real.count()];
    Neighbours.visit(
        generated,
        real,
        (q, first, rows, squared) -> {
          double own = aroundGenerated[q][precisionNeighbours - 1];
          for (int i = 0; i < rows; i++) {
            double[] around = aroundReal[first + i];
            if (squared[i] <= around[precisionNeighbours - 1]) {
              precision[q] = 1;
            }
            if (squared[i] <= around[densityNeighbours - 1]) {
              balls[q]++;
              covered[first + i] = true;
            }
            if (squared[i] <= own) {
              recalled[first + i] = true;
            }
          }
        });
    double[] density = new double[generated.count()];
    Arrays.setAll(density, i -> (double) balls[i] / densityNeighbours);
    return new Manifolds(precision, shares(recalled), density, shares(covered));
  }

  private static double[] shares(boolean[] of) {
    double[] shares = new double[of.length];
    Arrays.setAll(shares, i -> of[i] ? 1 : 0);
    return shares;
  }
}
