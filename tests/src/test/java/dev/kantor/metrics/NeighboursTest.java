package dev.kantor.metrics;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.kantor.data.SplitMix;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class NeighboursTest {
  private static Features line(float... points) {
    return new Features(points.length, 1, points);
  }

  private static Features normal(int count, int width, double shift, long seed) {
    SplitMix random = new SplitMix(seed, 0);
    float[] values = new float[count * width];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (random.normal() + shift);
    }
    return new Features(count, width, values);
  }

  private static double mean(double[] values) {
    return Arrays.stream(values).average().orElseThrow();
  }

  private static double squared(Features a, int i, Features b, int j) {
    double sum = 0;
    for (int k = 0; k < a.width(); k++) {
      double d = (double) a.values()[i * a.width() + k] - b.values()[j * b.width() + k];
      sum += d * d;
    }
    return sum;
  }

  @Test
  void findsWhatSortingAllDistancesFinds() {
    // More than a block of points, and a part of one.
    Features points = normal(600, 3, 0, 1);
    Features queries = normal(5, 3, 0, 2);
    double[][] nearestOthers = Neighbours.nearestOthers(points, 4);
    for (int q : new int[] {0, 255, 256, 599}) {
      double[] all = new double[600];
      Arrays.setAll(all, i -> squared(points, q, points, i));
      Arrays.sort(all);
      // all[0] is the point itself.
      assertArrayEquals(Arrays.copyOfRange(all, 1, 5), nearestOthers[q]);
    }
    Neighbours.Nearest[] nearest = Neighbours.nearest(queries, points);
    for (int q = 0; q < 5; q++) {
      int best = 0;
      for (int i = 1; i < 600; i++) {
        best = squared(queries, q, points, i) < squared(queries, q, points, best) ? i : best;
      }
      assertEquals(best, nearest[q].index());
      assertEquals(Math.sqrt(squared(queries, q, points, best)), nearest[q].distance());
    }
  }

  @Test
  void manifoldsOfAFewPointsAreAsCountedByHand() {
    Features real = line(0, 1, 2, 10); // balls of 1, 1, 1, 8
    Features generated = line(0.5f, 1.5f, 30); // balls of 1, 1, 28.5
    Manifolds m = Manifolds.of(real, generated, 1, 1);
    assertArrayEquals(new double[] {1, 1, 0}, m.precision());
    assertArrayEquals(new double[] {1, 1, 1, 1}, m.recall());
    assertArrayEquals(new double[] {2, 2, 0}, m.density());
    assertArrayEquals(new double[] {1, 1, 1, 0}, m.coverage());
    // With two neighbours the balls of the real ones are 2, 1, 2, 9.
    Manifolds two = Manifolds.of(real, generated, 1, 2);
    assertArrayEquals(m.precision(), two.precision());
    assertArrayEquals(new double[] {1.5, 2, 0}, two.density());
    assertArrayEquals(new double[] {1, 1, 1, 1}, two.coverage());
  }

  @Test
  void manifoldsTellSameCollapsedAndForeignApart() {
    Features real = normal(400, 4, 0, 3);
    Manifolds same = Manifolds.of(real, normal(400, 4, 0, 4));
    assertTrue(mean(same.precision()) > 0.8, "precision " + mean(same.precision()));
    assertTrue(mean(same.recall()) > 0.8, "recall " + mean(same.recall()));
    assertEquals(1, mean(same.density()), 0.1);
    assertTrue(mean(same.coverage()) > 0.9, "coverage " + mean(same.coverage()));

    float[] one = new float[400 * 4];
    SplitMix random = new SplitMix(5, 0);
    for (int i = 0; i < one.length; i++) {
      one[i] = (float) (0.01 * random.normal());
    }
    Manifolds collapsed = Manifolds.of(real, new Features(400, 4, one));
    assertTrue(mean(collapsed.precision()) > 0.95);
    assertTrue(mean(collapsed.recall()) < 0.05);
    assertTrue(mean(collapsed.coverage()) < 0.2);

    Manifolds foreign = Manifolds.of(real, normal(400, 4, 100, 6));
    assertEquals(0, mean(foreign.precision()));
    assertEquals(0, mean(foreign.recall()));
    assertEquals(0, mean(foreign.density()));
    assertEquals(0, mean(foreign.coverage()));
  }

  @Test
  void saysWhatCannotBe() {
    assertThrows(IllegalArgumentException.class, () -> Neighbours.nearestOthers(line(1, 2, 3), 3));
    assertThrows(
        IllegalArgumentException.class,
        () -> Neighbours.nearest(line(1), new Features(1, 2, new float[2])));
    assertThrows(IllegalArgumentException.class, () -> new Features(2, 2, new float[3]));
  }
}
