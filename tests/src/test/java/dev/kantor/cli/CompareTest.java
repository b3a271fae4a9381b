package dev.kantor.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.kantor.cli.Tournament.Heat;
import dev.kantor.compare.Contestant;
import dev.kantor.train.RunFolder;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CompareTest {
  @TempDir private static Path folder;

  private static Path finished;

  /** Trains the judge, and a comparison that others look at. */
  @BeforeAll
  static void compare() {
    finished = folder.resolve("finished");
    Kantor.Result result =
        compare(finished, List.of("gan", "wgan+images=640", "wgan-gp"), "--seeds", 2).expect(0);
    for (String part : List.of("FD-judge", "held-out real", "images/s", "not measured", "report")) {
      assertTrue(result.out().contains(part), result.out());
    }
  }

  /** 20 iterations; later options replace earlier ones. */
  private static Kantor.Result compare(Path out, List<String> contestants, Object... more) {
    return Kantor.run(arguments(out, contestants, more));
  }

  private static Object[] arguments(Path out, List<String> contestants, Object... more) {
    Map<Object, Object> options = new LinkedHashMap<>();
    options.put("--data", "glyphs");
    options.put("--limit", 960);
    options.put("--images", 1280);
    options.put("--batch-size", 32);
    options.put("--evaluations", 2);
    options.put("--evaluate-count", 150);
    options.put("--judge-epochs", 1);
    options.put("--judges", folder.resolve("judges"));
    options.put("--out", out);
    for (int i = 0; i + 1 < more.length; i += 2) {
      options.put(more[i], more[i + 1]);
    }
    List<Object> args = new ArrayList<>(List.of("compare"));
    args.addAll(contestants);
    options.forEach((name, value) -> args.addAll(List.of(name, value)));
    args.addAll(
        List.of(
            "--set",
            "generator-hidden=16",
            "--set",
            "critic-hidden=16,16",
            "--set",
            "latent=8",
            "--set",
            "critic-steps=2"));
    if (more.length % 2 == 1) {
      args.add(more[more.length - 1]);
    }
    return args.toArray();
  }

  private static JsonObject json(Path out) throws IOException {
    return JsonParser.parseString(Files.readString(out.resolve("comparison.json")))
        .getAsJsonObject();
  }

  @Test
  void writesAReportThatNeedsNothingElse() throws IOException {
    String page = Files.readString(finished.resolve("report.html"));
    for (String id :
        List.of(
            "samples",
            "summary",
            "claims",
            "verdict",
            "curves",
            "gradients",
            "losses",
            "classes",
            "weights",
            "time",
            "settings")) {
      assertTrue(page.contains("<section id=\"" + id + "\">"), id);
    }
    assertFalse(page.replaceAll("base64,[^\"]*", "").contains("NaN"), "there is no number");
    assertFalse(page.replace("http://www.w3.org/2000/svg", "").contains("http"), "an address");
    // A grid for each contestant at each number of images that the shortest was evaluated at.
    assertEquals(3, page.split("data:image/png;base64,", -1).length - 1);
    assertTrue(page.contains("linear 784 → 16"), "a layer");
  }

  @Test
  void comparesAtEqualImages() throws IOException {
    JsonObject o = json(finished);
    assertEquals(640, o.get("images").getAsLong());
    JsonArray contestants = o.getAsJsonArray("contestants");
    assertEquals(3, contestants.size());
    for (int i = 0; i < 3; i++) {
      JsonObject c = contestants.get(i).getAsJsonObject();
      assertEquals(2, c.getAsJsonArray("runs").size());
      JsonObject run = c.getAsJsonArray("runs").get(1).getAsJsonObject();
      assertEquals(i == 1 ? 640 : 1280, run.get("images").getAsLong());
      JsonObject atEqual =
          run.getAsJsonArray("evaluations").get(0).getAsJsonObject().getAsJsonObject("evaluation");
      double first =
          c.getAsJsonArray("runs")
              .get(0)
              .getAsJsonObject()
              .getAsJsonArray("evaluations")
              .get(0)
              .getAsJsonObject()
              .getAsJsonObject("evaluation")
              .getAsJsonObject("fd-judge")
              .get("value")
              .getAsDouble();
      double second = atEqual.getAsJsonObject("fd-judge").get("value").getAsDouble();
      assertEquals(
          (first + second) / 2,
          c.getAsJsonObject("measures").getAsJsonObject("fd-judge").get("mean").getAsDouble(),
          1e-9);
    }
    assertTrue(o.getAsJsonObject("real").has("fd-judge"));
    assertEquals(13, o.getAsJsonArray("claims").size());
  }

  @Test
  void itsRunsAreOrdinary() throws IOException {
    Path run = finished.resolve("wgan-gp-seed2");
    Kantor.run("sample", run, "--count", 4, "--out", folder.resolve("four.png")).expect(0);
    assertTrue(Kantor.run("info", run).expect(0).out().contains("20 iterations"));
    Path alone = folder.resolve("alone");
    List<Object> args = new ArrayList<>(List.of("train", "wgan-gp", "--out", alone));
    args.addAll(Kantor.SMALL.stream().map(a -> a.equals("640") ? "960" : a).toList());
    args.addAll(List.of("--seed", 2, "--iterations", 20));
    Kantor.run(args.toArray()).expect(0);
    // Neither the company nor the evaluations change a bit.
    Kantor.assertSameRun(alone, run);
  }

  @Test
  void whatIsDoneIsNotDoneAgain() throws IOException {
    Path log = finished.resolve("gan-seed1/metrics.csv");
    byte[] before = Files.readAllBytes(log);
    Kantor.Result again =
        compare(finished, List.of("gan", "wgan+images=640", "wgan-gp"), "--seeds", 2, "--json")
            .expect(0);
    assertFalse(again.err().contains("gan-seed1"), again.err());
    assertEquals(
        json(finished), JsonParser.parseString(again.out()).getAsJsonObject(), again.out());
    assertEquals(new String(before), Files.readString(log));
  }

  @Test
  void aDryRunForecastsItsTime() {
    Path out = folder.resolve("dry");
    List<String> what = List.of("gan", "wgan+images=640", "--dry-run");
    String text = compare(out, what, "--seeds", 3).expect(0).out();
    assertTrue(text.contains("gan ") && text.contains("6 trainings, about"), text);
    Kantor.Result result = compare(out, what, "--seeds", 3, "--json");
    assertFalse(Files.exists(out), "a dry run writes nothing");
    JsonObject o = JsonParser.parseString(result.expect(0).out()).getAsJsonObject();
    double seconds = 0;
    List<List<Long>> counts = new ArrayList<>();
    for (JsonElement e : o.getAsJsonArray("contestants")) {
      JsonObject c = e.getAsJsonObject();
      long iterations = c.get("iterations").getAsLong();
      long evaluations = c.get("evaluations").getAsLong();
      counts.add(List.of(iterations, evaluations));
      double one =
          iterations * c.get("secondsPerIteration").getAsDouble()
              + evaluations * o.get("secondsPerEvaluation").getAsDouble();
      assertEquals(one, c.get("seconds").getAsDouble(), 1e-9);
      seconds += 3 * one;
    }
    assertEquals(seconds, o.get("seconds").getAsDouble(), 1e-9);
    // 1280 and 640 images, of which an iteration takes 64.
    assertEquals(List.of(List.of(20L, 2L), List.of(10L, 1L)), counts);
  }

  @Test
  void anotherJudgeEvaluatesAgainWithoutTraining() throws IOException {
    Path out = folder.resolve("judged");
    compare(out, List.of("gan"), "--images", 640).expect(0);
    Path log = out.resolve("gan-seed1/metrics.csv");
    String metrics = Files.readString(log);
    String evaluations = Files.readString(out.resolve("gan-seed1/evaluations.jsonl"));
    JsonObject before = lastEvaluation(out);
    Kantor.Result again =
        compare(out, List.of("gan"), "--images", 640, "--judge-epochs", 2)
            .expect(0)
            .says("gan-seed1: another judge", "evaluations-1.jsonl");
    assertFalse(again.err().contains("images/s"), "it is trained again: " + again.err());
    assertEquals(metrics, Files.readString(log));
    assertEquals(evaluations, Files.readString(out.resolve("gan-seed1/evaluations-1.jsonl")));
    JsonObject after = lastEvaluation(out);
    assertNotEquals(before.get("judge"), after.get("judge"));
    assertNotEquals(before.get("fd-judge"), after.get("fd-judge"));
    assertEquals(json(out).getAsJsonObject("real").get("judge"), after.get("judge"));
    again = compare(out, List.of("gan"), "--images", 640, "--judge-epochs", 2).expect(0);
    assertFalse(again.err().contains("another judge"), again.err());
    // Whoever goes on with the run alone has that judge, too.
    again = Kantor.run("resume", out.resolve("gan-seed1"), "--epochs", 1).expect(0);
    assertFalse(again.err().contains("another judge"), again.err());
  }

  @Test
  void isStoppedBetweenTwoEvaluations() throws IOException {
    Path out = folder.resolve("stopped");
    compare(out, List.of("gan"), "--images", 640).expect(0);
    Path run = out.resolve("gan-seed1");
    String before = Files.readString(run.resolve("evaluations.jsonl"));
    Heat heat = new Heat(Contestant.parse("gan"), 1, run, RunFolder.open(run).manifest(), 15);
    AtomicReference<Heats> heats = new AtomicReference<>();
    PrintWriter err =
        new PrintWriter(new StringWriter()) {
          @Override
          public void println(String line) {
            super.println(line);
            if (line.contains("another judge")) {
              heats.get().stop();
            }
          }
        };
    heats.set(
        new Heats(
            Images.of(heat.manifest(), null),
            new Judging(folder.resolve("judges"), 2),
            Optional.of("another"),
            "cpu",
            1,
            err,
            () -> fail("it has not ended")));
    assertFalse(heats.get().run(List.of(heat)));
    assertEquals(before, Files.readString(run.resolve("evaluations.jsonl")));
    assertFalse(Files.exists(run.resolve("evaluations-1.jsonl")));
    compare(out, List.of("gan"), "--images", 640, "--judge-epochs", 2)
        .expect(0)
        .says("gan-seed1: another judge");
    assertEquals(json(out).getAsJsonObject("real").get("judge"), lastEvaluation(out).get("judge"));
  }

  private static JsonObject lastEvaluation(Path out) throws IOException {
    JsonObject contestant = json(out).getAsJsonArray("contestants").get(0).getAsJsonObject();
    JsonArray all =
        contestant.getAsJsonArray("runs").get(0).getAsJsonObject().getAsJsonArray("evaluations");
    return all.get(all.size() - 1).getAsJsonObject().getAsJsonObject("evaluation");
  }

  @Test
  void refusesAnotherComparisonInTheSameFolder() {
    compare(finished, List.of("gan", "wgan-gp"), "--images", 1920, "--batch-size", 64)
        .expect(1)
        .says(
            "gan-seed1: batch-size was '32', is '64'",
            "wgan-gp-seed1: batch-size",
            "the budget was 20 iterations, is 15 iterations",
            "--out");
  }

  @Test
  void saysWhatAFolderIsNot() throws IOException {
    Kantor.run("evaluate", finished, "--data", "glyphs")
        .expect(2)
        .says("holds a comparison", "one of its runs");
    Path file = Files.writeString(folder.resolve("file"), "");
    compare(file, List.of("gan")).expect(2).says("is a file", "--out");
  }

  @Test
  void goesOnAfterItWasKilled() throws IOException, InterruptedException {
    Path whole = folder.resolve("whole");
    Path killed = folder.resolve("killed");
    List<String> contestants = List.of("wgan-gp", "wgan");
    Object[] options = {"--images", 3840, "--evaluations", 2};
    compare(whole, contestants, options).expect(0);
    Path log = folder.resolve("killed.log");
    Process process = Kantor.fork(log, arguments(killed, contestants, options));
    Kantor.awaitCheckpoint(process, killed.resolve("wgan-gp-seed1"), log);
    process.destroyForcibly();
    process.waitFor();
    compare(killed, contestants, options).expect(0);
    for (String run : List.of("wgan-gp-seed1", "wgan-seed1")) {
      Kantor.assertSameRun(whole.resolve(run), killed.resolve(run));
    }
    assertEquals(timeless(json(whole)), timeless(json(killed)));
  }

  private static JsonArray timeless(JsonObject comparison) {
    JsonArray contestants = comparison.getAsJsonArray("contestants");
    contestants.forEach(
        c -> {
          c.getAsJsonObject().remove("images-per-second");
          c.getAsJsonObject()
              .getAsJsonArray("runs")
              .forEach(r -> r.getAsJsonObject().remove("seconds"));
        });
    return contestants;
  }

  @Test
  void sweepsOnlyWhatASettingChanges() throws IOException {
    Path out = folder.resolve("sweep");
    compare(
            out,
            List.of("gan", "wgan"),
            "--images",
            320,
            "--evaluations",
            1,
            "--sweep",
            "clip=0.01,1")
        .expect(0);
    List<String> folders;
    try (Stream<Path> files = Files.list(out)) {
      folders =
          files.filter(Files::isDirectory).map(f -> f.getFileName().toString()).sorted().toList();
    }
    assertEquals(List.of("gan-seed1", "wgan-clip=0.01-seed1", "wgan-clip=1-seed1"), folders);
    JsonObject sweep =
        json(out).getAsJsonArray("claims").asList().stream()
            .map(c -> c.getAsJsonObject())
            .filter(c -> c.get("claim").getAsString().contains("clip"))
            .findFirst()
            .orElseThrow();
    assertTrue(sweep.get("numbers").getAsString().contains("c = 0.01"), sweep.toString());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "compare | CONTESTANT",
        "compare wgun | wgan",
        "compare classifier | draws no samples",
        "compare gan gan | gan is there twice",
        "compare gan --seeds 0 | --seeds",
        "compare gan --sweep clib=1,2 | did you mean 'clip'",
        "compare gan --set clib=1 | did you mean 'clip'",
        "compare gan --evaluate-count 20 | --evaluate-count",
        "compare gan --epochs 1 --minutes 1 | mutually exclusive",
        "compare gan --images 0 | images must be a positive whole number",
      })
  void wrongUsageSaysWhatWouldBeRight(String args, String hint) {
    Kantor.run((Object[]) args.split(" ")).expect(2).says(hint, "--help");
  }

  @Test
  void aBrowserShowsIt() throws IOException, InterruptedException {
    Path chromium = Path.of("/usr/bin/chromium");
    Assumptions.assumeTrue(Files.isExecutable(chromium), "there is no chromium to look with");
    Path dom = folder.resolve("dom.html");
    Process process =
        new ProcessBuilder(
                chromium.toString(),
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--user-data-dir=" + folder.resolve("browser"),
                "--window-size=500,1000",
                "--dump-dom",
                probe(finished.resolve("report.html")).toUri().toString())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .redirectOutput(dom.toFile())
            .start();
    assertTrue(process.waitFor(120, TimeUnit.SECONDS), "chromium does not end");
    String page = Files.readString(dom);
    assertTrue(page.contains("data-probe=\"ok\""), page.replaceAll("(?s)<style.*</main>", ""));
  }

  /** The page with a script that says whether all pictures load and nothing is wider than it. */
  private static Path probe(Path report) throws IOException {
    String script =
        """
        <script>
        addEventListener('load', () => {
          const wrong = [];
          for (const img of document.images) if (!img.naturalWidth) wrong.push('a picture');
          for (const svg of document.querySelectorAll('svg'))
            if (!svg.querySelector('path,rect')) wrong.push(svg.getAttribute('aria-label'));
          if (document.documentElement.scrollWidth > innerWidth) wrong.push('too wide');
          document.body.dataset.probe = wrong.length ? wrong.join() : 'ok';
        });
        </script></body>\
        """;
    return Files.writeString(
        folder.resolve("probe.html"), Files.readString(report).replace("</body>", script));
  }
}
