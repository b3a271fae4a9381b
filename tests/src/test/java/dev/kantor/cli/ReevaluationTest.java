package dev.kantor.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.kantor.metrics.Yardstick;
import dev.kantor.tensor.Device;
import dev.kantor.train.Evaluated;
import dev.kantor.train.EvaluationLog;
import dev.kantor.train.Manifest;
import dev.kantor.train.RunFolder;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Another judge evaluates a run, and what a log has lost comes again; 10 iterations are an epoch.
 */
class ReevaluationTest {
  private static final int COUNT = 150;

  @TempDir private static Path judges;
  @TempDir private Path folder;

  /** Every 4 iterations, with a judge of one epoch that is trained once for all. */
  private static Kantor.Result train(Path run, Object... more) {
    List<Object> args =
        new ArrayList<>(
            List.of("--evaluate-every", 4, "--evaluate-count", COUNT, "--judges", judges));
    args.addAll(List.of(more));
    if (!args.contains("--judge-epochs")) {
      args.addAll(List.of("--judge-epochs", 1));
    }
    return Kantor.train(run, args.toArray());
  }

  @Test
  void anotherJudgeEvaluatesWhatIsKeptAgain() throws IOException {
    Path run = folder.resolve("run");
    train(run, "--epochs", 1, "--keep", 2).expect(0);
    String before = Files.readString(EvaluationLog.file(run));
    Evaluated first = EvaluationLog.read(run).getLast();
    Kantor.run("resume", run, "--epochs", 2, "--judge-epochs", 2)
        .expect(0)
        .says("another judge", "evaluations-1.jsonl");
    assertEquals(before, Files.readString(run.resolve("evaluations-1.jsonl")));
    List<Evaluated> all = EvaluationLog.read(run);
    assertGaps(List.of(4L, 8L), all);
    assertEquals(20, all.getLast().iteration());
    Evaluated again = all.stream().filter(e -> e.iteration() == 10).findFirst().orElseThrow();
    assertEquals(1, all.stream().map(Evaluated::judge).distinct().count());
    assertNotEquals(first.judge(), again.judge());
    assertEquals(
        List.of(first.epoch(), first.samples(), first.count()),
        List.of(again.epoch(), again.samples(), again.count()));
    Path alone = folder.resolve("alone");
    train(alone, "--epochs", 2, "--judge-epochs", 2).expect(0);
    Kantor.assertSameRun(alone, run);
    assertEquals(EvaluationLog.read(alone).getLast().evaluation(), all.getLast().evaluation());
  }

  /** Where evaluations at some of these iterations are missing before one, it says so. */
  private static void assertGaps(List<Long> maybeMissing, List<Evaluated> all) {
    long previous = 0;
    List<Long> there = all.stream().map(Evaluated::iteration).toList();
    for (Evaluated e : all) {
      long from = previous;
      assertEquals(
          maybeMissing.stream().anyMatch(i -> !there.contains(i) && i > from && i < e.iteration()),
          e.isAfterGap(),
          e.iteration() + " of " + there);
      previous = e.iteration();
    }
  }

  /** A run of which all checkpoints are kept: 4, 8 and 12 perhaps, 10 and 20. */
  private Path keepingAll(String name) {
    Path run = folder.resolve(name);
    train(run, "--epochs", 2, "--keep", 10).expect(0);
    return run;
  }

  private static Map<String, List<Byte>> files(Path run) throws IOException {
    Map<String, List<Byte>> files = new TreeMap<>();
    try (Stream<Path> all = Files.walk(run)) {
      for (Path f : all.filter(Files::isRegularFile).toList()) {
        List<Byte> bytes = new ArrayList<>();
        for (byte b : Files.readAllBytes(f)) {
          bytes.add(b);
        }
        files.put(run.relativize(f).toString(), bytes);
      }
    }
    return files;
  }

  @Test
  void anotherJudgeThatIsStoppedLeavesEverythingAsItWas() throws IOException {
    Path run = keepingAll("run");
    Map<String, List<Byte>> before = files(run);
    RunFolder there = RunFolder.open(run);
    Manifest manifest = there.manifest();
    PrintWriter err = new PrintWriter(new StringWriter());
    Judging judging = new Judging(judges, 2);
    AtomicInteger asked = new AtomicInteger();
    try (Device device = Device.open("cpu", 1);
        Session session = Session.of(device, manifest, Images.of(manifest, null));
        Yardstick yardstick = session.yardstick(manifest.schedule(), judging, err)) {
      session.load(there, manifest, err);
      Reevaluation again = new Reevaluation(session, there, manifest, err);
      assertFalse(again.run(yardstick, () -> asked.incrementAndGet() == 2));
      assertEquals(2, asked.get(), "stopped after the first");
      assertEquals(before, files(run));

      assertTrue(again.run(yardstick, () -> false));
      assertEquals(EvaluationsTest.checkpoints(run), EvaluationsTest.iterations(run));
      assertEquals(20, session.state().longs(session.job().counter())[0]);
      assertGaps(List.of(4L, 8L, 12L, 16L, 20L), EvaluationLog.read(run));
      Map<String, List<Byte>> after = files(run);
      assertEquals(before.get("evaluations.jsonl"), after.remove("evaluations-1.jsonl"));
      assertNotEquals(before.remove("evaluations.jsonl"), after.remove("evaluations.jsonl"));
      assertEquals(before, after);
    }
  }

  @Test
  void whoeverIsInterruptedDoesItAgain() throws IOException, InterruptedException {
    Path run = keepingAll("inter rupted");
    String before = Files.readString(EvaluationLog.file(run));
    List<Long> kept = EvaluationsTest.checkpoints(run);
    Path log = folder.resolve("log");
    Process process =
        Kantor.fork(
            log,
            "resume",
            run,
            "--epochs",
            1_000_000,
            "--judge-epochs",
            2,
            "--evaluate-count",
            1000);
    try {
      while (process.isAlive() && !Files.readString(log).contains("another judge")) {
        Thread.sleep(1);
      }
      new ProcessBuilder("kill", "-INT", Long.toString(process.pid())).start().waitFor();
      assertEquals(130, Kantor.await(process), Files.readString(log));
    } finally {
      process.destroyForcibly();
    }
    String said = Files.readString(log);
    assertTrue(said.contains("interrupted before it went on"), said);
    assertTrue(said.contains("kantor resume '" + run + "'"), said);
    assertEquals(before, Files.readString(EvaluationLog.file(run)));
    assertEquals(kept, EvaluationsTest.checkpoints(run));
    // Its judge is remembered.
    Kantor.run("resume", run, "--epochs", 3).expect(0).says("another judge");
    assertEquals(1000, EvaluationLog.read(run).getFirst().count());
    assertTrue(
        EvaluationsTest.iterations(run).containsAll(kept),
        EvaluationsTest.iterations(run) + " of " + kept);
  }

  @Test
  void evaluationsThatWereSetAsideInVainAreNotSetAsideTwice() throws IOException {
    Path run = keepingAll("run");
    String before = Files.readString(EvaluationLog.file(run));
    // As if the power had failed before the new ones came in their place.
    Files.copy(EvaluationLog.file(run), run.resolve("evaluations-1.jsonl"));
    Kantor.run("resume", run, "--epochs", 3, "--judge-epochs", 2)
        .expect(0)
        .says("another judge", "evaluations-1.jsonl");
    assertEquals(before, Files.readString(run.resolve("evaluations-1.jsonl")));
    assertFalse(Files.exists(run.resolve("evaluations-2.jsonl")));
    assertEquals(1, EvaluationLog.read(run).stream().map(Evaluated::judge).distinct().count());
    // Those of the second judge are others.
    Kantor.run("resume", run, "--epochs", 4, "--judge-epochs", 1).expect(0);
    assertEquals(before, Files.readString(run.resolve("evaluations-1.jsonl")));
    assertTrue(Files.exists(run.resolve("evaluations-2.jsonl")));
  }

  @Test
  void whatWasThereBeforeTheFirstEvaluationIsNotMissing() throws IOException {
    Path run = folder.resolve("run");
    Kantor.train(run, "--epochs", 2, "--keep", 10).expect(0);
    List<Object> args = new ArrayList<>(List.of("resume", run, "--epochs", 3));
    args.addAll(List.of("--evaluate-every", 10, "--evaluate-count", COUNT));
    args.addAll(List.of("--judges", judges, "--judge-epochs", 1));
    Kantor.run(args.toArray()).expect(0);
    Kantor.run("resume", run, "--epochs", 4).expect(0);
    assertEquals(List.of(20L, 30L, 40L), EvaluationsTest.iterations(run));
    assertEquals(List.of(10L, 20L, 30L, 40L), EvaluationsTest.checkpoints(run));
  }

  @Test
  void noCheckpointIsGivenUpForAnEvaluationThatTheLogHasLost() throws IOException {
    Path run = keepingAll("run");
    List<Evaluated> all = EvaluationLog.read(run);
    long lost =
        EvaluationsTest.checkpoints(run).stream()
            .filter(i -> i > 4 && i % 4 == 0)
            .findFirst()
            .orElseThrow();
    Path log = EvaluationLog.file(run);
    Files.write(
        log,
        Files.readAllLines(log).stream()
            .filter(l -> !l.startsWith("{\"iteration\":" + lost + ","))
            .toList());
    assertEquals(all.size() - 1, EvaluationsTest.iterations(run).size());
    Kantor.run("resume", run, "--epochs", 3).expect(0).says("are missing, and are made now");
    EvaluationsTest.assertSameEvaluations(all, EvaluationLog.read(run).subList(0, all.size()));
    Path straight = folder.resolve("straight");
    train(straight, "--epochs", 3, "--keep", 10).expect(0);
    Kantor.assertSameRun(straight, run);
  }
}
