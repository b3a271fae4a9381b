package dev.kantor.compare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.kantor.report.Html;
import dev.kantor.train.Evaluated;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ComparisonTest {
  private static final String FD = "fd-judge";

  /** A run with an evaluation at each of the numbers of images. */
  private static RunResult run(long seed, double[] distances, long... images) {
    List<Evaluated> evaluations = new ArrayList<>();
    for (int i = 0; i < images.length; i++) {
      evaluations.add(Made.evaluated(images[i], Map.of(FD, distances[i])));
    }
    return Made.run(seed, List.of(Made.row(images[images.length - 1], 1, 1, 1)), evaluations);
  }

  private static Entry entry(String name, RunResult... runs) {
    return new Entry(Contestant.parse(name), List.of(runs));
  }

  @Test
  void comparesWhereAllHaveBeen() {
    Entry far = entry("gan", run(1, new double[] {9, 5, 1}, 1000, 2000, 3000));
    Entry near =
        entry(
            "wgan", run(1, new double[] {8, 4}, 960, 1920), run(2, new double[] {8, 2}, 960, 1920));
    Comparison all = Made.comparison(far, near);
    assertEquals(1920, all.images());
    assertEquals(5, far.at(FD, all.images()).mean());
    assertEquals(3, near.at(FD, all.images()).mean());
    assertEquals(Math.sqrt(2), near.at(FD, all.images()).deviation(), 1e-12);
    assertEquals("wgan", all.best().orElseThrow().label());
    // 3000 images are not 1920.
    assertFalse(near.at(FD, 3000).exists());
  }

  @Test
  void leavesOutWhatDivergedAndWhatIsNotThere() throws IOException {
    Entry sound = entry("gan", run(1, new double[] {9, 5}, 1000, 2000));
    Entry half =
        entry(
            "wgan",
            Made.faulted(run(1, new double[] {99}, 1000)),
            run(2, new double[] {8, 4}, 1000, 2000));
    Entry none = entry("wgan-gp");
    Entry lost = entry("dcgan", Made.faulted(run(1, new double[] {99}, 1000)));
    Comparison all = Made.comparison(sound, half, none, lost);
    assertEquals(2000, all.images());
    assertEquals(4, half.at(FD, 2000).mean());
    assertEquals("–", none.at(FD, 2000).toString());
    String page = ReportPage.of(all);
    assertTrue(page.contains("not trained yet"));
    assertTrue(page.contains("diverged: critic.0.weight &lt;is&gt; not finite"), page);
    assertFalse(page.contains("<is>"));
  }

  @Test
  void countsImagesOnAStraightLine() {
    RunResult run = run(1, new double[] {90, 70, 30}, 1000, 2000, 4000);
    assertEquals(1000, run.imagesUntil(FD, 95).images());
    assertEquals(1500, run.imagesUntil(FD, 80).images());
    assertEquals(3000, run.imagesUntil(FD, 50).images());
    assertEquals(Until.Outcome.NOT_REACHED, run.imagesUntil(FD, 29).outcome());
  }

  /** A run of which another judge evaluated what was kept: not what lies before the third. */
  private static RunResult evaluatedAgain(long seed, double... distances) {
    RunResult run = run(seed, distances, 1000, 2000, 4000, 5000);
    List<Evaluated> evaluations = new ArrayList<>(run.evaluations());
    evaluations.set(2, Made.afterGap(evaluations.get(2)));
    return Made.run(seed, List.of(Made.row(5000, 1, 1, 1)), evaluations);
  }

  @Test
  void whatIsMissingWasNotMeasured() throws IOException {
    RunResult run = evaluatedAgain(1, 90, 70, 30, 20);
    assertEquals(1500, run.imagesUntil(FD, 80).images());
    for (double target : List.of(50.0, 25.0, 10.0)) {
      assertEquals(Until.Outcome.NOT_MEASURED, run.imagesUntil(FD, target).outcome());
    }
    assertTrue(run.isComplete(2000));
    assertFalse(run.isComplete(3000));
    assertFalse(run.isComplete(5000));

    Entry both = entry("gan", run, run(2, new double[] {90, 30}, 1000, 2000));
    Until until = both.imagesUntil(FD, 60);
    assertEquals(
        List.of(1500.0, 0, 1),
        List.of(until.images().mean(), until.notReached(), until.notMeasured()));
    assertEquals("1,500 (1 of 2 seeds, 1 not measured)", until.toString());
    assertEquals("not measured", entry("gan", run).imagesUntil(FD, 60).toString());
    Comparison all =
        Made.comparison(entry("gan", run), entry("wgan", run(1, new double[] {25}, 5000)));
    assertTrue(new VerdictTable(all).toText().contains("not measured"));
    String reason = all.target().orElseThrow().reason();
    assertFalse(reason.contains("that are there"), reason);
    all =
        Made.comparison(
            entry("gan", evaluatedAgain(1, 90, 70, 30, 29)),
            entry("wgan", run(1, new double[] {25}, 5000)));
    reason = all.target().orElseThrow().reason();
    assertTrue(reason.contains("of evaluations that are there"), reason);
  }

  @Test
  void choosesTheTargetFromTheData() {
    Entry good = entry("wgan-gp", run(1, new double[] {30, 10}, 1000, 2000));
    Entry fair = entry("wgan", run(1, new double[] {60, 40}, 1000, 2000));
    Entry bad = entry("gan", run(1, new double[] {90, 95}, 1000, 2000));
    Comparison.Target target = Made.comparison(good, fair, bad).target().orElseThrow();
    assertEquals(40, target.value());
    assertTrue(target.reason().contains("wgan, the middle one"), target.reason());
    assertEquals(40, Made.comparison(good, fair).target().orElseThrow().value());
    String table = new VerdictTable(Made.comparison(good, fair, bad)).toText();
    assertTrue(table.contains("not reached"), table);
  }

  @Test
  void readsContestants() {
    Contestant c = Contestant.parse("wgan+clip=0.1+epochs=3+critic-hidden=16,16");
    assertEquals("wgan+clip=0.1+critic-hidden=16,16", c.label());
    assertEquals("wgan-clip=0.1-critic-hidden=16,16-seed7", c.folder(7));
    assertEquals(new Budget(Budget.Unit.EPOCHS, 3), c.budget().orElseThrow());
    assertEquals("0.1", c.sharing("clip", "0.2").setting("clip"));
    assertEquals("8", c.sharing("latent", "8").setting("latent"));
    assertEquals("wgan+clip=0.1+critic-hidden=16,16", c.sharing("latent", "8").label());
    for (String wrong :
        List.of(
            "wgan+clip", "wgan+clip=-1", "wgun", "wgan+clap=1", "wgan+epochs=0", "classifier")) {
      assertThrows(IllegalArgumentException.class, () -> Contestant.parse(wrong), wrong);
    }
  }

  @Test
  void nothingIsMarkup() throws IOException {
    assertEquals(
        "&lt;a href=&quot;x&quot; title=&#39;&amp;amp;&#39;&gt;",
        Html.escape("<a href=\"x\" title='&amp;'>"));
    String page = ReportPage.of(Made.comparison(entry("gan", run(1, new double[] {9}, 1000))));
    assertTrue(page.contains("made &lt;up&gt;") && page.contains("paper &amp; pencil"));
    assertFalse(page.contains("<up>"));
  }

  @Test
  void curvesAreOfAllSeeds() {
    Curve curve =
        Curve.ofMeasure(
            entry(
                "gan",
                run(1, new double[] {9, 5}, 1000, 2000),
                run(2, new double[] {7, 7}, 1000, 2000)),
            FD);
    assertEquals(List.of(8.0, 6.0), java.util.Arrays.stream(curve.mean()).boxed().toList());
    assertEquals(7, curve.low()[0]);
    assertEquals(9, curve.high()[0]);
    assertEquals(2000, curve.images()[1]);
  }

  @Test
  void curvesAreOfSeedsAtEqualImagesWhateverIsMissing() {
    Curve curve =
        Curve.ofMeasure(
            entry(
                "gan",
                run(1, new double[] {9, 5, 1}, 1000, 2000, 3000),
                run(2, new double[] {7, 3}, 1000, 3000)),
            FD);
    assertEquals(List.of(8.0, 5.0, 2.0), java.util.Arrays.stream(curve.mean()).boxed().toList());
    assertEquals(
        List.of(1000.0, 2000.0, 3000.0), java.util.Arrays.stream(curve.images()).boxed().toList());
  }
}
