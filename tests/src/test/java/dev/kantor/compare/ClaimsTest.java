package dev.kantor.compare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.kantor.compare.Claim.Verdict;
import dev.kantor.train.Evaluated;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ClaimsTest {
  private static final String FD = "fd-judge";

  private static Claim claim(String part, Entry... entries) {
    List<Claim> found =
        Made.comparison(entries).claims().stream().filter(c -> c.text().contains(part)).toList();
    assertEquals(1, found.size(), part);
    return found.getFirst();
  }

  private static void assertVerdict(Verdict expected, String part, Entry... entries) {
    Claim c = claim(part, entries);
    assertEquals(expected, c.verdict(), c.numbers());
  }

  @Test
  void whatIsNotThereIsNotMeasured() {
    Entry other = Made.entry("r3gan", FD, 1);
    List<Claim> claims = Made.comparison(other).claims();
    assertEquals(13, claims.size());
    claims.forEach(c -> assertEquals(Verdict.NOT_MEASURED, c.verdict(), c.text()));
    claims.forEach(c -> assertTrue(c.numbers().contains("compare "), c.numbers()));
  }

  @Test
  void aSaturatedLossIsNearZeroWithNoGradient() {
    String text = "generator's gradient vanishes";
    String name = "gan+generator-loss=saturating";
    assertVerdict(
        Verdict.HELD,
        text,
        saturated(name, new double[] {1.3, 0.05, 0.04}, new double[] {2, .1, .1}));
    // The gradient stays.
    assertVerdict(
        Verdict.NOT_HELD,
        text,
        saturated(name, new double[] {1.3, 0.05, 0.04}, new double[] {2, 1, 1}));
    // The loss does not come near 0.
    Entry high = saturated(name, new double[] {1.3, 0.5}, new double[] {2, .1});
    assertVerdict(Verdict.NOT_HELD, text, high);
    assertTrue(claim(text, high).numbers().contains("0.500"));
    assertVerdict(
        Verdict.NOT_MEASURED, text, saturated("gan", new double[] {0.04}, new double[] {1}));
  }

  private static Entry saturated(String name, double[] losses, double[] norms) {
    List<double[]> rows = new ArrayList<>();
    for (int i = 0; i < losses.length; i++) {
      rows.add(Made.row(100 * (i + 1), losses[i], 1, norms[i]));
    }
    return new Entry(
        Contestant.parse(name), List.of(Made.run(1, rows, List.of(Made.evaluated(300, Map.of())))));
  }

  @Test
  void everySeedHasToBeLessDiverse() {
    String text = "gan (generator-loss=non-saturating) loses diversity";
    Entry penalised = Made.entry("wgan-gp", "recall", 0.5, 0.6);
    assertVerdict(Verdict.HELD, text, Made.entry("gan", "recall", 0.1, 0.4), penalised);
    assertVerdict(Verdict.NOT_HELD, text, Made.entry("gan", "recall", 0.1, 0.55), penalised);
    assertVerdict(
        Verdict.HELD,
        text,
        Made.entry("gan", "classes-covered", 7, 9),
        Made.entry("wgan-gp", "classes-covered", 10, 10));
    assertVerdict(Verdict.NOT_MEASURED, text, Made.entry("gan", "recall", 0.1));
    // More of the one and less of the other is not less.
    Entry mixed = diverse("gan", 9, 0.1);
    assertVerdict(Verdict.NOT_HELD, text, mixed, diverse("wgan-gp", 8, 0.5));
    assertVerdict(Verdict.HELD, text, mixed, diverse("wgan-gp", 9, 0.5));
  }

  private static Entry diverse(String name, double classes, double recall) {
    return new Entry(
        Contestant.parse(name),
        List.of(
            Made.run(
                1,
                List.of(Made.row(1000, 1, 1, 1)),
                List.of(
                    Made.evaluated(
                        1000, Map.of("classes-covered", classes, "recall", recall, FD, 1.0))))));
  }

  @Test
  void wganKeepsAllClassesInEverySeed() {
    String text = "wgan keeps all classes";
    assertVerdict(Verdict.HELD, text, Made.entry("wgan", "classes-covered", 10, 10));
    assertVerdict(Verdict.NOT_HELD, text, Made.entry("wgan", "classes-covered", 10, 9));
    // Nothing is drawn yet that could be of a class.
    assertVerdict(Verdict.NOT_MEASURED, text, Made.entry("wgan", "accepted", 0.001));
  }

  @Test
  void anEstimateThatFallsWithTheDistanceMeansSomething() {
    String text = "it means something";
    assertVerdict(Verdict.HELD, text, learning("wgan", new double[] {9, 5, 3, 2}, 80, 60, 30, 20));
    assertVerdict(
        Verdict.NOT_HELD, text, learning("wgan", new double[] {9, 5, 3, 2}, 20, 30, 60, 80));
    assertVerdict(
        Verdict.NOT_HELD, text, learning("wgan", new double[] {2, 3, 5, 9}, 20, 30, 60, 80));
    assertVerdict(Verdict.NOT_MEASURED, text, learning("wgan", new double[] {9, 5}, 80, 60));
  }

  /** One seed whose distance is estimated and measured at each 1000 images. */
  private static Entry learning(String name, double[] estimates, double... distances) {
    List<double[]> rows = new ArrayList<>();
    List<Evaluated> evaluations = new ArrayList<>();
    for (int i = 0; i < distances.length; i++) {
      long images = 1000L * (i + 1);
      rows.add(Made.row(images - 500, 1, estimates[i] + 0.5, 1));
      rows.add(Made.row(images, 1, estimates[i] - 0.5, 1));
      evaluations.add(Made.evaluated(images, Map.of(FD, distances[i])));
    }
    return new Entry(Contestant.parse(name), List.of(Made.run(1, rows, evaluations)));
  }

  @Test
  void soonerIsByImagesUntilTheOthersBest() {
    String text = "better than wgan, and sooner";
    double[] estimates = {1, 1, 1};
    Entry wgan = learning("wgan", estimates, 90, 70, 50);
    assertVerdict(Verdict.HELD, text, wgan, learning("wgan-gp", estimates, 60, 40, 20));
    assertTrue(
        claim(text, wgan, learning("wgan-gp", estimates, 60, 40, 20)).numbers().contains("1,500"));
    // Better in between only.
    assertVerdict(Verdict.NOT_HELD, text, wgan, learning("wgan-gp", estimates, 60, 40, 55));
    assertVerdict(Verdict.NOT_HELD, text, wgan, learning("wgan-gp", estimates, 95, 80, 60));
  }

  @Test
  void weightsPileUpOrDoNot() {
    float[] ends = new float[100];
    Arrays.fill(ends, 0, 30, 0.05f);
    Arrays.fill(ends, 30, 50, -0.0499f);
    float[] bell = new float[1000];
    bell[0] = 0.3f;
    LayerWeights piled = LayerWeights.of("0", new long[] {10, 10}, ends, 0.05);
    LayerWeights free = LayerWeights.of("0", new long[] {10, 100}, bell, 0);
    assertEquals(0.5, piled.share(), 1e-9);
    assertEquals(30, piled.counts()[LayerWeights.BINS - 1]);
    assertEquals(20, piled.counts()[0]);
    assertEquals(50, piled.counts()[LayerWeights.BINS / 2]);
    assertEquals(0.3, free.limit(), 1e-6);
    assertVerdict(Verdict.HELD, "pile up at ±c", with("wgan", piled));
    assertVerdict(Verdict.NOT_HELD, "pile up at ±c", with("wgan", free));
    assertVerdict(Verdict.HELD, "do not pile up", with("wgan-gp", free));
    assertVerdict(Verdict.NOT_HELD, "do not pile up", with("wgan-gp", piled));
  }

  private static Entry with(String name, LayerWeights layer) {
    return new Entry(
        Contestant.parse(name),
        List.of(Made.run(1, List.of(), List.of(Made.evaluated(1000, Map.of(FD, 1.0))), layer)));
  }

  @Test
  void gradientsFollowTheClip() {
    String text = "Too small a clip";
    Entry small = gradient("wgan+clip=0.005", 0.01);
    Entry middle = gradient("wgan+clip=0.05", 1);
    assertVerdict(Verdict.HELD, text, gradient("wgan+clip=0.5", 100), small, middle);
    assertVerdict(Verdict.NOT_HELD, text, small, middle, gradient("wgan+clip=0.5", 5));
    assertVerdict(Verdict.NOT_HELD, text, gradient("wgan+clip=0.005", 0.5), middle);
    assertVerdict(Verdict.NOT_MEASURED, text, middle);
  }

  private static Entry gradient(String name, double norm) {
    return new Entry(
        Contestant.parse(name),
        List.of(
            Made.run(
                1,
                List.of(Made.row(1000, 1, 1, norm)),
                List.of(Made.evaluated(1000, Map.of(FD, 1.0))))));
  }

  @Test
  void convolutionIsBetterInEveryPair() {
    String text = "Convolutional networks are better";
    Entry gan = Made.entry("gan", FD, 50, 60);
    Entry dcgan = Made.entry("dcgan", FD, 20, 30);
    assertVerdict(Verdict.HELD, text, gan, dcgan);
    assertVerdict(
        Verdict.NOT_HELD,
        text,
        gan,
        dcgan,
        Made.entry("wgan-gp", FD, 10, 10),
        Made.entry("wdcgan-gp", FD, 9, 11));
  }

  @Test
  void theClassAskedForIsDrawn() {
    assertVerdict(Verdict.HELD, "asked for", Made.entry("cvae-gan", "agreement", 0.97, 0.93));
    assertVerdict(Verdict.NOT_HELD, "asked for", Made.entry("cvae-gan", "agreement", 0.97, 0.7));
  }

  @Test
  void ranksCorrelateWhateverTheScale() {
    assertEquals(1, Ranks.correlation(new double[] {1, 2, 3}, new double[] {0, 10, 1e9}), 1e-12);
    assertEquals(-1, Ranks.correlation(new double[] {1, 2, 3}, new double[] {3, 2, 1}), 1e-12);
    // Of (1, 2, 3, 4) and (2, 1, 4, 3): 1 - 6 * 4 / (4 * 15).
    assertEquals(
        0.6, Ranks.correlation(new double[] {1, 2, 3, 4}, new double[] {2, 1, 4, 3}), 1e-12);
    // Ties share their rank: (0.5, 0.5, 2) with (0, 1, 2) is 1.5 / sqrt(1.5 * 2).
    assertEquals(
        1.5 / Math.sqrt(3),
        Ranks.correlation(new double[] {5, 5, 9}, new double[] {1, 2, 3}),
        1e-12);
    assertTrue(Double.isNaN(Ranks.correlation(new double[] {1, 1, 1}, new double[] {1, 2, 3})));
  }
}
