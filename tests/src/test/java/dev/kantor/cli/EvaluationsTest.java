package dev.kantor.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.kantor.train.Evaluated;
import dev.kantor.train.EvaluationLog;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Evaluations during training; 10 iterations are an epoch. */
class EvaluationsTest {
  private static final int COUNT = 150;

  @TempDir private static Path judges;
  @TempDir private Path folder;

  /** Every 4 iterations, with a judge that is trained once for all. */
  private static List<Object> options() {
    return List.of(
        "--evaluate-every", 4, "--evaluate-count", COUNT, "--judges", judges, "--judge-epochs", 1);
  }

  private static Kantor.Result train(Path run, Object... more) {
    List<Object> args = new ArrayList<>(options());
    args.addAll(List.of(more));
    return Kantor.train(run, args.toArray());
  }

  static List<Long> iterations(Path run) throws IOException {
    return EvaluationLog.read(run).stream().map(Evaluated::iteration).toList();
  }

  /** Times apart. */
  static void assertSameEvaluations(List<Evaluated> expected, List<Evaluated> actual) {
    assertEquals(
        expected.stream().map(EvaluationsTest::timeless).toList(),
        actual.stream().map(EvaluationsTest::timeless).toList());
  }

  private static List<Object> timeless(Evaluated e) {
    return List.of(e.iteration(), e.epoch(), e.samples(), e.evaluation(), e.alarm());
  }

  @Test
  void changeNoBitAndAreThoseOfTheEvaluateCommand() throws IOException {
    Path plain = folder.resolve("plain");
    Path evaluated = folder.resolve("evaluated");
    Kantor.train(plain, "--epochs", 2, "--log-every", 3).expect(0);
    train(evaluated, "--epochs", 2, "--log-every", 3, "--keep", 10)
        .expect(0)
        .says("FD-judge", "evaluated 16  FD-judge", "precision");
    Kantor.assertSameRun(plain, evaluated);
    assertFalse(Files.exists(EvaluationLog.file(plain)));

    List<Evaluated> all = EvaluationLog.read(evaluated);
    assertEquals(List.of(4L, 8L, 12L, 16L, 20L), iterations(evaluated));
    assertEquals(1.6, all.get(3).epoch());
    assertEquals(16 * 64, all.get(3).samples());
    assertTrue(all.get(3).seconds() > all.get(2).seconds());
    assertEquals(COUNT, all.getFirst().evaluation().get("count").getAsInt());
    assertEquals(10, all.getFirst().histogram().length);
    assertNotEquals(all.getFirst().distance(), all.getLast().distance());

    // Panels of distance, classes and shares.
    assertEquals(height(plain) + 3 * 320, height(evaluated));

    Kantor.Result command =
        Kantor.run("evaluate", evaluated, "--count", COUNT, "--json", "--limit", 640).expect(0);
    assertFalse(command.err().contains("training the judge"), command.err());
    JsonObject result = JsonParser.parseString(command.out()).getAsJsonObject();
    JsonObject last = all.getLast().evaluation().deepCopy();
    JsonObject judge = result.getAsJsonObject("judge");
    assertEquals(judge.get("sha256"), last.remove("judge"));
    assertEquals(judge.get("version"), last.remove("judge-version"));
    assertEquals(result.getAsJsonObject("samples"), last);
  }

  /** In pixels, of the curves. */
  private static int height(Path run) throws IOException {
    return ByteBuffer.wrap(Files.readAllBytes(run.resolve("curves.png"))).getInt(20);
  }

  @Test
  void aDryRunCountsThem() throws IOException {
    Path run = folder.resolve("run");
    List<Object> args = new ArrayList<>(options());
    args.set(args.indexOf(judges), folder.resolve("none"));
    args.addAll(List.of("--dry-run", "--epochs", 3));
    String untrained = Kantor.train(run, args.toArray()).expect(0).out();
    assertTrue(untrained.contains("8, how long one takes is not known"), untrained);
    assertFalse(Files.exists(folder.resolve("none")), "it trained a judge");

    train(run, "--iterations", 1).expect(0); // trains the judge
    String out = train(run, "--dry-run", "--epochs", 3, "--json").expect(0).out();
    JsonObject json = JsonParser.parseString(out).getAsJsonObject();
    assertEquals(8, json.get("evaluations").getAsLong());
    double each = json.get("secondsPerEvaluation").getAsDouble();
    assertTrue(each > 0);
    double iterations = 30 * json.get("secondsPerIteration").getAsDouble();
    assertEquals(iterations + 8 * each, json.get("seconds").getAsDouble(), 1e-9);
    String timed = train(run, "--dry-run", "--minutes", 1).expect(0).out();
    assertTrue(timed.contains(" s each") && !timed.contains("in all"), timed);
  }

  @Test
  void areScalarsForTensorBoard() throws IOException {
    Path run = folder.resolve("run");
    train(run, "--iterations", 4, "--tensorboard").expect(0);
    try (Stream<Path> files = Files.list(run.resolve("tensorboard"))) {
      String text = Files.readString(files.findFirst().orElseThrow(), StandardCharsets.ISO_8859_1);
      for (String tag : List.of("fd-judge", "classes-covered", "precision", "recall")) {
        assertTrue(text.contains("evaluation/" + tag), tag);
      }
      assertTrue(text.contains("classes/9") && !text.contains("classes/10"), text);
    }
  }

  @Test
  void goOnWithTheRun() throws IOException {
    Path straight = folder.resolve("straight");
    Path parts = folder.resolve("parts");
    train(straight, "--epochs", 2).expect(0);
    train(parts, "--epochs", 1, "--threads", 1).expect(0);
    assertEquals(List.of(4L, 8L, 10L), iterations(parts));
    Kantor.run("resume", parts, "--epochs", 2).expect(0);
    Kantor.assertSameRun(straight, parts);
    List<Evaluated> all = new ArrayList<>(EvaluationLog.read(parts));
    assertEquals(10, all.remove(2).iteration(), "the first part's end");
    assertSameEvaluations(EvaluationLog.read(straight), all);
  }

  @Test
  void areCutBackToTheCheckpointAndComeAgain() throws IOException {
    Path straight = folder.resolve("straight");
    Path run = folder.resolve("run");
    train(straight, "--epochs", 2, "--keep", 10).expect(0);
    train(run, "--epochs", 2, "--keep", 10).expect(0);
    Files.writeString(EvaluationLog.file(run), "{\"iteration\":24,\"ep", StandardOpenOption.APPEND);
    assertEquals(5, EvaluationLog.read(run).size());
    for (Path checkpoint : Kantor.checkpoints(run)) {
      if (Kantor.iteration(checkpoint) > 10) {
        Files.delete(checkpoint);
      }
    }
    Kantor.run("resume", run).expect(0).says("continues after iteration");
    Kantor.assertSameRun(straight, run);
    assertSameEvaluations(EvaluationLog.read(straight), EvaluationLog.read(run));
    assertEquals(5, Files.readAllLines(EvaluationLog.file(run)).size());
  }

  @Test
  void oneThatWasNotDoneBeforeTheStopIsMadeUpFor() throws IOException {
    Path straight = folder.resolve("straight");
    Path run = folder.resolve("run");
    train(straight, "--iterations", 12).expect(0);
    train(run, "--iterations", 8).expect(0);
    // As if Ctrl-C had come in iteration 8, and the goal were farther off.
    Path log = EvaluationLog.file(run);
    Files.write(log, Files.readAllLines(log).subList(0, 1));
    Path manifest = run.resolve("manifest.json");
    Files.writeString(manifest, Files.readString(manifest).replace("8.0", "12.0"));
    Kantor.run("resume", run).expect(0);
    assertSameEvaluations(EvaluationLog.read(straight), EvaluationLog.read(run));
  }

  @Test
  void theBestCheckpointStays() throws IOException {
    Path run = folder.resolve("run");
    train(run, "--epochs", 1, "--keep", 1).expect(0);
    long best = Evaluated.best(EvaluationLog.read(run)).orElseThrow().iteration();
    assertKept(run, best);
    String described = Kantor.run("info", run).expect(0).out();
    assertTrue(described.contains(best + ": FD-judge "), described);
    // Pretends that the first was the best by far: it is not there any more then, so make it anew.
    Path log = EvaluationLog.file(run);
    Path early = folder.resolve("early");
    train(early, "--iterations", 4, "--keep", 1).expect(0);
    Path name = early.relativize(Kantor.last(early));
    Files.copy(early.resolve(name), run.resolve(name));
    String first = Files.readAllLines(log).getFirst();
    String lowest =
        first.replaceFirst("\"fd-judge\":\\{\"value\":[^}]*", "\"fd-judge\":{\"value\":1");
    assertNotEquals(first, lowest);
    Files.writeString(log, Files.readString(log).replace(first, lowest));
    Kantor.run("resume", run, "--epochs", 3).expect(0);
    assertKept(run, 4);
    Path drawn = folder.resolve("best.npy");
    Path expected = folder.resolve("early.npy");
    Kantor.run("sample", run, "--count", 3, "--checkpoint", "best", "--out", drawn).expect(0);
    Kantor.run("sample", early, "--count", 3, "--out", expected).expect(0);
    assertTrue(Arrays.equals(Files.readAllBytes(expected), Files.readAllBytes(drawn)));
  }

  @Test
  void surviveAKillWithTheirBestCheckpoint() throws IOException, InterruptedException {
    Path run = folder.resolve("run");
    Path log = folder.resolve("log");
    train(folder.resolve("other"), "--iterations", 1).expect(0).says("done"); // trains the judge
    List<Object> args = new ArrayList<>(List.of("train", "wgan-gp", "--out", run));
    args.addAll(Kantor.SMALL);
    args.addAll(options());
    args.addAll(List.of("--epochs", 1_000_000, "--keep", 1));
    Process process = Kantor.fork(log, args.toArray());
    try {
      Kantor.awaitCheckpoint(process, run, log);
      Thread.sleep(50);
    } finally {
      process.destroyForcibly();
    }
    Kantor.await(process);
    Optional<Evaluated> best = Evaluated.best(EvaluationLog.read(run));
    List<Long> there = checkpoints(run);
    assertTrue(best.isEmpty() || there.contains(best.get().iteration()), there + ": " + best);
    long last = there.getLast() / 10 * 10 + 10;
    Kantor.run("resume", run, "--epochs", last / 10).expect(0);
    Path straight = folder.resolve("straight");
    train(straight, "--epochs", last / 10, "--keep", 1).expect(0);
    Kantor.assertSameRun(straight, run);
    assertSameEvaluations(EvaluationLog.read(straight), EvaluationLog.read(run));
    assertEquals(checkpoints(straight), checkpoints(run));
  }

  static List<Long> checkpoints(Path run) throws IOException {
    return Kantor.checkpoints(run).stream().map(Kantor::iteration).toList();
  }

  private static void assertKept(Path run, long best) throws IOException {
    List<Long> there = checkpoints(run);
    long last = there.getLast();
    assertEquals(best == last ? List.of(last) : List.of(best, last), there);
  }

  @Test
  void withoutEvaluationsNoneIsTheBest() throws IOException {
    Path run = folder.resolve("run");
    Kantor.train(run, "--epochs", 1).expect(0);
    Kantor.run(
            "sample", run, "--count", 3, "--checkpoint", "best", "--out", folder.resolve("x.npy"))
        .expect(1)
        .says("was evaluated, so none is the best", "--evaluate-every");
    // They can begin, and end, at any time.
    Kantor.run(
            "resume",
            run,
            "--epochs",
            2,
            "--evaluate-every",
            10,
            "--evaluate-count",
            COUNT,
            "--judges",
            judges,
            "--judge-epochs",
            1)
        .expect(0);
    assertEquals(List.of(10L, 20L), iterations(run), "where it goes on from, too");
    Kantor.run("resume", run, "--epochs", 3).expect(0);
    assertEquals(List.of(10L, 20L, 30L), iterations(run));
    Kantor.run("resume", run, "--epochs", 4, "--evaluate-every", 0).expect(0);
    assertEquals(List.of(10L, 20L, 30L), iterations(run));
  }

  @Test
  void countModesOfPoints() throws IOException {
    Path run = folder.resolve("run");
    Kantor.run(
            "train",
            "wgan-gp",
            "--data",
            "ring",
            "--limit",
            640,
            "--batch-size",
            32,
            "--epochs",
            1,
            "--evaluate-every",
            2,
            "--evaluate-count",
            200,
            "--out",
            run)
        .expect(0)
        .says("mode distance");
    List<Evaluated> all = EvaluationLog.read(run);
    assertEquals(List.of(2L, 4L), all.stream().map(Evaluated::iteration).toList());
    assertEquals(8, all.getLast().histogram().length);
    assertEquals("mode-distance", all.getLast().ranking());
    assertTrue(all.getLast().distance() > 0.5, "after four iterations");
  }

  @ParameterizedTest
  @CsvSource({
    "--evaluate-every, -1, evaluate-every is -1",
    "--evaluate-every, 1.5, --evaluate-every",
    "--evaluate-count, 128, more than 128",
    "--judge-epochs, 0, --judge-epochs is 0",
  })
  void badValuesAreNoticedBeforeThereIsAFolder(String option, String value, String message) {
    Path run = folder.resolve("run");
    Kantor.train(run, option, value).expect(2).says(message);
    assertFalse(Files.exists(run));
  }

  @Test
  void whatCannotBeJudgedIsNoticedBeforeThereIsAFolder() {
    Path pictures = folder.resolve("pictures");
    Path first = folder.resolve("first");
    Kantor.train(first, "--epochs", 1).expect(0);
    Kantor.run("sample", first, "--count", 64, "--out", pictures).expect(0);
    Path run = folder.resolve("run");
    Kantor.run(
            "train", "gan", "--data", pictures, "--epochs", 1, "--evaluate-every", 1, "--out", run)
        .expect(1)
        .says("no labels", "--data");
    Kantor.run(
            "train",
            "classifier",
            "--data",
            "glyphs",
            "--limit",
            640,
            "--epochs",
            1,
            "--evaluate-every",
            1,
            "--out",
            run)
        .expect(1)
        .says("draws no samples", "--evaluate-every");
    assertFalse(Files.exists(run));
  }

  @Test
  void aConfigurationFileHasTheOptionsToo() throws IOException {
    Path config = folder.resolve("kantor.conf");
    Files.writeString(
        config,
        String.join(
            "\n",
            Map.of(
                    "evaluate-every",
                    "5",
                    "evaluate-count",
                    Integer.toString(COUNT),
                    "judges",
                    judges.toString(),
                    "judge-epochs",
                    "1")
                .entrySet()
                .stream()
                .map(e -> e.getKey() + " = " + e.getValue())
                .toList()));
    Path run = folder.resolve("run");
    Kantor.train(run, "--epochs", 1, "--config", config).expect(0);
    assertEquals(List.of(5L, 10L), iterations(run));
  }
}
