package dev.kantor.metrics;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.kantor.data.DataSets;
import dev.kantor.data.PointSet;
import dev.kantor.data.PointSet.Centre;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
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
    assertEquals(new ModeCoverage(List.of(0L, 0L, 0L, 2L), 1, Math.log(4)), one);
    ModeCoverage all = ModeCoverage.of(new float[] {0, 0, 4, 0, 0, 4, 4, 4}, CORNERS, 0.1);
    assertEquals(new ModeCoverage(List.of(1L, 1L, 1L, 1L), 1, 0), all);
  }

  @Test
  void theDistanceRisesWithLostModesAndWithPoorSamples() {
    double quality = 1 - Math.exp(-4.5);
    float[] all = {0, 0, 4, 0, 0, 4, 4, 4};
    // Of four good samples none is missing but those of low quality that true ones would have.
    assertEquals(1 - quality, ModeCoverage.of(all, CORNERS, 0.1).distance(), 1e-12);
    // One mode has all: half of what it has too much, what the others lack, and the poor ones.
    assertEquals(
        (1 - quality / 4 + 3 * quality / 4 + 1 - quality) / 2,
        ModeCoverage.of(new float[] {4, 4, 4, 4}, CORNERS, 0.1).distance(),
        1e-12);
    float[] between = {2, 2, 2, 2};
    assertEquals(quality, ModeCoverage.of(between, CORNERS, 0.1).distance(), 1e-12);
  }

  @Test
  void aCounterGivesTheHistogramAndTheMeasures() throws IOException {
    PointSet set = (PointSet) DataSets.open("ring", DataSets.Options.defaults().withCount(1));
    Centre first = set.centres().getFirst();
    float[] points = {(float) first.x(), (float) first.y(), 0, 0, (float) first.x(), 0.02f, 9, 9};
    Evaluation e = new ModeCounter(set).evaluate(MemorySegment.ofArray(points), Optional.empty());
    assertEquals(4, e.count());
    assertArrayEquals(new long[] {2, 0, 0, 0, 0, 0, 0, 0}, e.histogram().counts());
    assertEquals(2, e.none());
    assertEquals(1, e.measure("modes-covered").value());
    assertEquals(0.5, e.measure("high-quality").value());
    ModeCoverage c = ModeCoverage.of(points, set);
    assertEquals(c.reverseDivergence(), e.measure("reverse-kl").value());
    assertEquals(c.distance(), e.measure("mode-distance").value());
  }

  @Test
  void whatIsNotFiniteIsOfNoMode() {
    ModeCoverage c =
        ModeCoverage.of(
            new float[] {Float.NaN, 0, Float.POSITIVE_INFINITY, 0, 4, 4, 4, 4}, CORNERS, 0.1);
    assertEquals(new ModeCoverage(List.of(0L, 0L, 0L, 2L), 0.5, Math.log(4)), c);
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
