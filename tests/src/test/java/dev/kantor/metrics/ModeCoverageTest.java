package dev.kantor.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.kantor.data.DataSets;
import dev.kantor.data.PointSet;
import dev.kantor.data.PointSet.Centre;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ModeCoverageTest {
  private static final List<Centre> CORNERS =
      List.of(new Centre(0, 0), new Centre(4, 0), new Centre(0, 4), new Centre(4, 4));

  @Test
  void threeDeviationsAreTheBorderOfQuality() {
    // 2.9 and 3.1 deviations from the first mode, one on the second, one far from the third.
    float[] points = {0.29f, 0, 0, 0.31f, 4, 0, 1, 3};
    ModeCoverage c = ModeCoverage.of(points, CORNERS, 0.1);
    assertEquals(2, c.covered());
    assertEquals(0.5, c.highQuality());
    // Nearest modes: 2, 1, 1, 0 of 4.
    assertEquals(
        0.5 * Math.log(0.5 * 4) + 2 * 0.25 * Math.log(0.25 * 4), c.reverseDivergence(), 1e-12);
  }

  @Test
  void oneModeIsTheWorstAndAllAlikeTheBest() {
    ModeCoverage one = ModeCoverage.of(new float[] {4, 4, 4, 4}, CORNERS, 0.1);
    assertEquals(new ModeCoverage(4, 1, 1, Math.log(4)), one);
    ModeCoverage all = ModeCoverage.of(new float[] {0, 0, 4, 0, 0, 4, 4, 4}, CORNERS, 0.1);
    assertEquals(new ModeCoverage(4, 4, 1, 0), all);
  }

  @Test
  void whatIsNotFiniteIsOfNoMode() {
    ModeCoverage c =
        ModeCoverage.of(
            new float[] {Float.NaN, 0, Float.POSITIVE_INFINITY, 0, 4, 4, 4, 4}, CORNERS, 0.1);
    assertEquals(new ModeCoverage(4, 1, 0.5, Math.log(4)), c);
    assertTrue(
        Double.isNaN(ModeCoverage.of(new float[] {Float.NaN, 0}, CORNERS, 1).reverseDivergence()));
  }

  @ParameterizedTest
  @ValueSource(strings = {"ring", "grid"})
  void trueSamplesAreAsGoodAsTheyCanBe(String name) throws IOException {
    PointSet set =
        (PointSet) DataSets.open(name, DataSets.Options.defaults().withCount(20_000).withSeed(3));
    ModeCoverage c = ModeCoverage.of(set.toFloats(), set);
    assertEquals(set.classes(), c.covered());
    assertEquals(1 - Math.exp(-4.5), c.highQuality(), 5 * Math.sqrt(0.011 / 20_000));
    // Twice the sum times the divergence is chi-squared with classes - 1 degrees of freedom.
    assertTrue(2 * 20_000 * c.reverseDivergence() < 3 * set.classes());
  }

  @Test
  void refusesWhatIsNoPoints() {
    assertThrows(IllegalArgumentException.class, () -> ModeCoverage.of(new float[0], CORNERS, 1));
    assertThrows(IllegalArgumentException.class, () -> ModeCoverage.of(new float[3], CORNERS, 1));
    assertThrows(IllegalArgumentException.class, () -> ModeCoverage.of(new float[2], CORNERS, 0));
  }
}
