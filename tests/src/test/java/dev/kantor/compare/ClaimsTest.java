package dev.kantor.compare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
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
  void soonerIsNotJudgedByTheEvaluationsThatAreLeft() {
    String text = "better than wgan, and sooner";
    double[] estimates = {1, 1, 1};
    Entry wgan = learning("wgan", estimates, 90, 70, 50);
    Entry better = learning("wgan-gp", estimates, 60, 40, 20);
    // Of what it takes until 50: 1,500 images, had the first two not gone.
    Entry late = onlyTheLast(better);
    assertVerdict(Verdict.NOT_MEASURED, text, wgan, late);
    String numbers = claim(text, wgan, late).numbers();
    assertTrue(
        numbers.contains("wgan-gp not measured") && numbers.contains("another judge"), numbers);
    // wgan's best may have been one that is missing.
    assertVerdict(Verdict.NOT_MEASURED, text, onlyTheLast(wgan), better);
    // What is not better is not better and sooner, whenever it got there.
    assertVerdict(
        Verdict.NOT_HELD, text, wgan, onlyTheLast(learning("wgan-gp", estimates, 60, 40, 55)));
  }

  /** Another judge came, and the last state alone was kept. */
  private static Entry onlyTheLast(Entry entry) {
    RunResult all = entry.runs().getFirst();
    Evaluated last = Made.afterGap(all.evaluations().getLast());
    return new Entry(entry.contestant(), List.of(Made.run(1, all.metrics().rows(), List.of(last))));
  }

  @Test
  void weightsAreCountedAtTheLimitAndJustInside() {
    float[] ends = new float[100];
    Arrays.fill(ends, 0, 30, 0.05f);
    Arrays.fill(ends, 30, 50, -0.0495f);
    Arrays.fill(ends, 50, 59, -0.045f);
    LayerWeights piled = LayerWeights.of("0", new long[] {10, 10}, ends, 0.05);
    assertEquals(30, piled.counts()[LayerWeights.BINS - 1]);
    assertEquals(20, piled.counts()[0]);
    assertEquals(41, piled.counts()[LayerWeights.BINS / 2]);
    assertEquals(0.5, piled.share(), 1e-9);
    // 50 in 2 % of the range, beside 9 in 18 % of it and 100 in all of it.
    assertEquals(25, piled.pile(), 1e-9);
    assertTrue(piled.isPiled());
    // Twice as many just inside as in an even spread: half as much of a pile.
    assertEquals(12.5, new LayerWeights("0", new long[] {100}, 1, of(100), 50, 36).pile(), 1e-9);

    float[] bell = new float[1000];
    bell[0] = 0.3f;
    LayerWeights free = LayerWeights.of("0", new long[] {10, 100}, bell, 0);
    assertEquals(0.3, free.limit(), 1e-6);
    assertEquals(0.05, free.pile(), 1e-9);
  }

  /** A histogram of so many weights. */
  private static long[] of(long total) {
    long[] counts = new long[LayerWeights.BINS];
    counts[0] = total;
    return counts;
  }

  private static LayerWeights layer(long total, long ends, long inside) {
    return new LayerWeights("0", new long[] {total}, 0.05, of(total), ends, inside);
  }

  @Test
  void aPileStandsOutFromWhatIsAroundIt() {
    // An even spread of any size, and one that is denser towards its ends, but smoothly.
    assertFalse(layer(200_000, 4_000, 36_000).isPiled());
    assertFalse(layer(200_000, 8_000, 70_000).isPiled());
    // As many at the ends as would be a pile in an even spread.
    assertFalse(layer(200_000, 6_500, 60_000).isPiled());
    assertTrue(layer(200_000, 6_500, 36_000).isPiled());
    // In a small layer that is chance; ten times as much is not.
    assertFalse(layer(200, 7, 36).isPiled());
    assertTrue(layer(200, 40, 36).isPiled());
    // The largest of some weights is always at the limit.
    assertFalse(layer(9, 1, 0).isPiled());
  }

  @Test
  void everyLayerHasToPileUp() {
    LayerWeights piled = layer(1000, 500, 180);
    LayerWeights even = layer(1000, 20, 180);
    assertVerdict(Verdict.HELD, "pile up at ±c", with("wgan", piled, piled));
    assertVerdict(Verdict.NOT_HELD, "pile up at ±c", with("wgan", piled, even));
    assertVerdict(Verdict.HELD, "do not pile up", with("wgan-gp", even, even));
    assertVerdict(Verdict.NOT_HELD, "do not pile up", with("wgan-gp", even, piled));
    String numbers = claim("pile up at ±c", with("wgan", piled, even)).numbers();
    assertTrue(numbers.contains("25 × (50 % of them), 1 × (2 % of them)"), numbers);
    // And in every seed.
    RunResult sound = with("wgan", piled).runs().getFirst();
    RunResult other = with("wgan", even).runs().getFirst();
    assertVerdict(
        Verdict.NOT_HELD,
        "pile up at ±c",
        new Entry(Contestant.parse("wgan"), List.of(sound, other)));
  }

  private static Entry with(String name, LayerWeights... layers) {
    return new Entry(
        Contestant.parse(name),
        List.of(Made.run(1, List.of(), List.of(Made.evaluated(1000, Map.of(FD, 1.0))), layers)));
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
    // A clip that no weight has come to says nothing, unless gradients explode for want of one.
    assertVerdict(
        Verdict.HELD, text, small, middle, gradient("wgan+clip=0.5", 100, layer(1000, 0, 0)));
    Entry idle = gradient("wgan+clip=0.5", 5, layer(1000, 0, 0));
    assertVerdict(Verdict.NOT_MEASURED, text, small, middle, idle);
    assertTrue(claim(text, small, middle, idle).numbers().contains("no weight has got to c = 0.5"));
  }

  private static Entry gradient(String name, double norm) {
    return gradient(name, norm, layer(1000, 500, 0));
  }

  private static Entry gradient(String name, double norm, LayerWeights layer) {
    return new Entry(
        Contestant.parse(name),
        List.of(
            Made.run(
                1,
                List.of(Made.row(1000, 1, 1, norm)),
                List.of(Made.evaluated(1000, Map.of(FD, 1.0))),
                layer)));
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
