package dev.kantor.metrics;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Distances between all points of two sets, by brute force and in double precision. Points are
 * compared in blocks, columns together, so that a vector unit takes several at once; the sum over
 * the columns has a fixed order, so that the number of threads changes nothing.
 */
public final class Neighbours {
  private static final int BLOCK = 256;

  private Neighbours() {}

  /** Sees the squared distances of one query from a block of points. */
  @FunctionalInterface
  interface Visitor {
    /**
     * Called for each query by one thread at a time, blocks in order.
     *
     * @param first the number of the block's first point
     * @param squared of which the first {@code rows} count
     */
    void visit(int query, int first, int rows, double[] squared);
  }

  static void visit(Features queries, Features points, Visitor visitor) {
    queries.requireSameWidth(points);
    int width = points.width();
    float[] block = new float[BLOCK * width];
    for (int first = 0; first < points.count(); first += BLOCK) {
      int rows = Math.min(BLOCK, points.count() - first);
      for (int i = 0; i < rows; i++) {
        for (int k = 0; k < width; k++) {
          block[k * BLOCK + i] = points.values()[(first + i) * width + k];
        }
      }
      int from = first;
      IntStream.range(0, queries.count())
          .parallel()
          .forEach(
              q -> {
                double[] squared = new double[BLOCK];
                for (int k = 0; k < width; k++) {
                  add(squared, queries.values()[q * width + k], block, k * BLOCK);
                }
                visitor.visit(q, from, rows, squared);
              });
    }
  }

  // The block is of another type than the sums, so that the compiler knows that they do not overlap
  // and takes several at once.
  private static void add(double[] squared, double x, float[] block, int offset) {
    for (int i = 0; i < BLOCK; i++) {
      double d = x - block[offset + i];
      squared[i] += d * d;
    }
  }

  /**
   * The squared distances of each point from its nearest other points of the same set.
   *
   * @param k how many
   * @return [points, k], ascending
   * @throws IllegalArgumentException if there are not more than k points
   */
  static double[][] nearestOthers(Features points, int k) {
    if (k < 1 || points.count() <= k) {
      throw new IllegalArgumentException(
          points.count() + " points have no neighbour number " + k + "; give more samples");
    }
    double[][] nearest = new double[points.count()][k];
    for (double[] n : nearest) {
      Arrays.fill(n, Double.POSITIVE_INFINITY);
    }
    visit(
        points,
        points,
        (q, first, rows, squared) -> {
          for (int i = 0; i < rows; i++) {
            if (first + i != q && squared[i] < nearest[q][k - 1]) {
              insert(nearest[q], squared[i]);
            }
          }
        });
    return nearest;
  }

  /** Puts a value into its place among ascending ones, the last of which drops out. */
  private static void insert(double[] ascending, double value) {
    int i = ascending.length - 1;
    while (i > 0 && ascending[i - 1] > value) {
      ascending[i] = ascending[i - 1];
      i--;
    }
    ascending[i] = value;
  }

  /**
   * A point's nearest neighbour.
   *
   * @param index in the set that was searched; the first of equally near ones
   * @param distance Euclidean
   */
  public record Nearest(int index, double distance) {}

  /**
   * The nearest point of each query: with training images as the points, what a generator that
   * memorised them would have copied.
   */
  public static Nearest[] nearest(Features queries, Features points) {
    int[] index = new int[queries.count()];
    double[] least = new double[queries.count()];
    Arrays.fill(least, Double.POSITIVE_INFINITY);
    visit(
        queries,
        points,
        (q, first, rows, squared) -> {
          for (int i = 0; i < rows; i++) {
            if (squared[i] < least[q]) {
              least[q] = squared[i];
              index[q] = first + i;
            }
          }
        });
    Nearest[] all = new Nearest[queries.count()];
    for (int q = 0; q < all.length; q++) {
      all[q] = new Nearest(index[q], Math.sqrt(least[q]));
    }
    return all;
  }
}
