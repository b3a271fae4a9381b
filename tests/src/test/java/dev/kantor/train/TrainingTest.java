package dev.kantor.train;

import static java.lang.Double.NaN;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import dev.kantor.graph.Ops;
import dev.kantor.graph.Program;
import dev.kantor.graph.Slot;
import dev.kantor.graph.State;
import dev.kantor.graph.Trace;
import dev.kantor.io.FormatException;
import dev.kantor.tensor.DType;
import dev.kantor.tensor.Device;
import dev.kantor.tensor.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongToDoubleFunction;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The loop with a job that is no GAN: x grows by 1 an iteration, and its value before is the one
 * metric.
 */
class TrainingTest {
  private static final int RING_ROWS = 16;
  private static final long PER_EPOCH = 25;

  @TempDir private Path folder;

  private Device device;
  private State state;
  private Slot x;
  private Job job;

  @BeforeEach
  void open() {
    device = Device.open("cpu-portable", 1);
    state = new State(device);
    x = state.add(Slot.f32("x", 1));
    Slot counter = state.add(Slot.counter("iteration"));
    Slot fault = state.add(new Slot("fault", DType.I64, Shape.of(4)));
    Slot ring = state.add(Slot.f32("ring", RING_ROWS, 1));
    Program program =
        Program.compile(
            Trace.of(
                t -> {
                  t.ringWrite(ring, counter, List.of(t.read(x)));
                  t.write(x, Ops.shift(t.read(x), 1));
                  t.increment(counter, 1);
                }),
            state);
    job = new Job(state, program, counter, fault, ring, List.of("x"), List.of(), PER_EPOCH, 2);
  }

  @AfterEach
  void close() {
    job.iteration().close();
    state.close();
    device.close();
  }

  private static Manifest manifest(Goal goal, long logEvery) {
    return new Manifest(Map.of("a", "1"), goal, new Schedule(logEvery, 1, 2), Map.of());
  }

  /** Remembers what it was told. */
  private static class Recorder implements Training.Watcher {
    final List<String> pictures = new ArrayList<>();
    final List<Long> epochEnds = new ArrayList<>();
    final List<Row> rows = new ArrayList<>();
    final List<Evaluated> evaluations = new ArrayList<>();
    long iteration;

    @Override
    public void logged(Row row) {
      rows.add(row);
    }

    @Override
    public void progress(Training.Progress p) {
      assertTrue(p.iteration() > iteration);
      assertEquals(p.iteration() - 1.0, p.row().values().getFirst());
      iteration = p.iteration();
      if (p.isEpochEnd()) {
        epochEnds.add(p.iteration());
      }
    }

    @Override
    public void picture(String name) throws IOException {
      pictures.add(name);
    }

    @Override
    public Training.Finding evaluate(List<Evaluated> before) {
      throw new IllegalStateException("there are no evaluations");
    }

    @Override
    public void evaluated(Evaluated evaluated) {
      evaluations.add(evaluated);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void logsMeansOfWindowsThroughEpochsAndAShortRing(boolean isThreaded) throws IOException {
    RunFolder run = RunFolder.create(folder.resolve("run"));
    Recorder seen = new Recorder();
    Goal goal = new Goal(Goal.Unit.ITERATIONS, 60);
    Training.Outcome outcome;
    try (Aside aside = new Aside(isThreaded)) {
      outcome = new Training(job, run, manifest(goal, 8), seen, aside).run(0);
    }
    assertEquals(Training.End.DONE, outcome.end());
    assertEquals(60, outcome.iteration());
    assertEquals(60, state.floats(x)[0]);
    assertEquals(
        List.of("epoch-0000", "epoch-0001", "epoch-0002", "iteration-00000060"), seen.pictures);
    assertEquals(List.of(25L, 50L), seen.epochEnds);
    assertEquals(List.of(60L, 50L), run.iterations());
    MetricsLog.Table table = MetricsLog.read(run.path());
    assertArrayEquals(new double[] {8, 16, 24, 32, 40, 48, 56}, table.column("iteration"));
    assertArrayEquals(
        table.column("x"), seen.rows.stream().mapToDouble(r -> r.values().getFirst()).toArray());
    assertEquals(56, seen.rows.getLast().iteration());
    assertArrayEquals(new double[] {3.5, 11.5, 19.5, 27.5, 35.5, 43.5, 51.5}, table.column("x"));
    assertArrayEquals(new double[] {16, 32, 48, 64, 80, 96, 112}, table.column("samples"));
  }

  @Test
  void replaysWhileItsRowsAreWritten() throws IOException {
    RunFolder run = RunFolder.create(folder.resolve("run"));
    CountDownLatch far = new CountDownLatch(1);
    Recorder seen =
        new Recorder() {
          @Override
          public void progress(Training.Progress p) {
            super.progress(p);
            if (p.iteration() > RING_ROWS) {
              assertEquals(List.of(), rows, "nobody writes yet, and the ring has come round");
              far.countDown();
            }
          }
        };
    Manifest manifest = manifest(new Goal(Goal.Unit.ITERATIONS, PER_EPOCH - 1), 1);
    try (Aside aside = new Aside(true)) {
      aside.run(() -> assertTrue(waited(far), "it waits for its rows"));
      new Training(job, run, manifest, seen, aside).run(0);
      // Whoever comes back has written all.
      double[] expected = LongStream.range(0, PER_EPOCH - 1).asDoubleStream().toArray();
      assertArrayEquals(expected, MetricsLog.read(run.path()).column("x"));
    }
  }

  @Test
  void replaysWhileItsStateIsWritten() throws IOException {
    RunFolder run = RunFolder.create(folder.resolve("run"));
    CountDownLatch far = new CountDownLatch(1);
    try (Aside aside = new Aside(true)) {
      Recorder seen =
          new Recorder() {
            @Override
            public void picture(String name) throws IOException {
              super.picture(name);
              if (name.equals("epoch-0001")) {
                aside.run(() -> assertTrue(waited(far), "it waits for its checkpoint"));
              }
            }

            @Override
            public void progress(Training.Progress p) {
              super.progress(p);
              if (p.iteration() > PER_EPOCH) {
                assertEquals(PER_EPOCH, epochEnds.getFirst());
                assertFalse(Files.exists(run.checkpoint(PER_EPOCH)));
                far.countDown();
              }
            }
          };
      Goal goal = new Goal(Goal.Unit.ITERATIONS, 40);
      new Training(job, run, manifest(goal, 8), seen, aside).run(0);
      assertEquals(List.of(40L, PER_EPOCH), run.iterations());
    }
    // It is of its iteration, whatever came since.
    assertEquals(40, state.floats(x)[0]);
    Checkpoint.load(run.checkpoint(PER_EPOCH), state, Checkpoint.slots(state));
    assertEquals(PER_EPOCH, state.floats(x)[0]);
  }

  private static boolean waited(CountDownLatch latch) {
    try {
      return latch.await(60, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      return false;
    }
  }

  @Test
  void stopsAfterTheIterationAndGoesOn() throws IOException {
    RunFolder run = RunFolder.create(folder.resolve("run"));
    Manifest manifest = manifest(new Goal(Goal.Unit.EPOCHS, 1_000_000), 8);
    Training[] training = new Training[1];
    training[0] =
        new Training(
            job,
            run,
            manifest,
            new Recorder() {
              @Override
              public void progress(Training.Progress p) {
                super.progress(p);
                if (p.iteration() > 30) {
                  training[0].stop();
                }
              }
            });
    Training.Outcome outcome = training[0].run(0);
    assertEquals(Training.End.STOPPED, outcome.end());
    assertEquals(run.checkpoint(outcome.iteration()), outcome.checkpoint());
    assertEquals(outcome.iteration(), state.floats(x)[0]);

    long after = outcome.iteration() + 10;
    Training.Outcome done =
        new Training(job, run, manifest.with(new Goal(Goal.Unit.ITERATIONS, after)), new Recorder())
            .run(5);
    assertEquals(after, done.iteration());
    double[] iterations = MetricsLog.read(run.path()).column("iteration");
    for (int i = 0; i < iterations.length; i++) {
      assertEquals(8.0 * (i + 1), iterations[i]);
    }
    assertEquals(after / 8, iterations.length);
  }

  /** Evaluates: the distance at an iteration is given. */
  private class Judging extends Recorder {
    private final LongToDoubleFunction distance;
    private final long millis;

    Judging(LongToDoubleFunction distance, long millis) {
      this.distance = distance;
      this.millis = millis;
    }

    @Override
    public Training.Finding evaluate(List<Evaluated> before) {
      long at = (long) state.floats(x)[0];
      assertEquals(evaluations, before);
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(millis));
      JsonObject measure = new JsonObject();
      measure.addProperty("value", distance.applyAsDouble(at));
      JsonObject evaluation = new JsonObject();
      evaluation.add("fd-judge", measure);
      return new Training.Finding(
          evaluation, at == 14 ? Optional.of("collapsed") : Optional.empty());
    }
  }

  private static Manifest evaluating(Goal goal, long every, int keep) {
    return new Manifest(Map.of(), goal, new Schedule(1, 1, keep, every, 10), Map.of());
  }

  @Test
  void evaluatesAtEachMultipleAndAtTheEnd() throws IOException {
    RunFolder run = RunFolder.create(folder.resolve("run"));
    Judging seen = new Judging(i -> i, 0);
    new Training(job, run, evaluating(new Goal(Goal.Unit.EPOCHS, 2), 7, 3), seen).run(0);
    assertEquals(
        List.of(7L, 14L, 21L, 28L, 35L, 42L, 49L, 50L),
        seen.evaluations.stream().map(Evaluated::iteration).toList());
    assertEquals(Optional.of("collapsed"), seen.evaluations.get(1).alarm());
    assertEquals(1.12, seen.evaluations.get(3).epoch());
    assertEquals(56, seen.evaluations.get(3).samples());
    List<Evaluated> read = EvaluationLog.read(run.path());
    assertEquals(
        seen.evaluations.stream().map(Evaluated::toJson).toList(),
        read.stream().map(Evaluated::toJson).toList());
  }

  @Test
  void theClockStandsStillWhileOneEvaluates() throws IOException {
    RunFolder run = RunFolder.create(folder.resolve("run"));
    Judging seen = new Judging(i -> i, 400);
    long start = System.nanoTime();
    new Training(job, run, evaluating(new Goal(Goal.Unit.ITERATIONS, 12), 3, 3), seen).run(100);
    double wall = (System.nanoTime() - start) / 1e9;
    assertTrue(wall > 1.6, "four evaluations of 0.4 s in " + wall);
    double last = MetricsLog.read(run.path()).column("seconds")[11];
    assertTrue(last >= 100 && last < 100 + wall - 1.2 + 1e-3, last + " after " + wall);
    double evaluated = seen.evaluations.getLast().seconds();
    assertTrue(evaluated >= last - 1e-3 && evaluated < 100 + wall - 1.2, evaluated + "");
  }

  @Test
  void theBestCheckpointStaysUntilThereIsABetterOne() throws IOException {
    RunFolder run = RunFolder.create(folder.resolve("run"));
    // Lowest at 10, then as low at 40, then lower at 60.
    LongToDoubleFunction distance = i -> i == 60 ? 1 : i == 10 || i == 40 ? 2 : i == 20 ? NaN : 3;
    Goal first = new Goal(Goal.Unit.ITERATIONS, 50);
    new Training(job, run, evaluating(first, 10, 1), new Judging(distance, 0)).run(0);
    assertEquals(List.of(50L, 10L), run.iterations());
    assertEquals(10, Evaluated.best(EvaluationLog.read(run.path())).orElseThrow().iteration());
    Judging then = new Judging(distance, 0);
    then.evaluations.addAll(EvaluationLog.read(run.path()));
    Goal second = new Goal(Goal.Unit.ITERATIONS, 75);
    new Training(job, run, evaluating(second, 10, 1), then).run(0);
    assertEquals(List.of(75L, 60L), run.iterations());
    assertEquals(60, Evaluated.best(EvaluationLog.read(run.path())).orElseThrow().iteration());
  }

  @Test
  void withoutADistanceThereIsNoBest() throws IOException {
    RunFolder run = RunFolder.create(folder.resolve("run"));
    Goal goal = new Goal(Goal.Unit.ITERATIONS, 50);
    new Training(job, run, evaluating(goal, 10, 1), new Judging(i -> NaN, 0)).run(0);
    assertEquals(List.of(50L), run.iterations());
    assertEquals(5, EvaluationLog.read(run.path()).size());
    assertTrue(Evaluated.best(EvaluationLog.read(run.path())).isEmpty());
  }

  @Test
  void whoIsStoppedDoesNotWaitForAnEvaluation() throws IOException {
    RunFolder run = RunFolder.create(folder.resolve("run"));
    Goal goal = new Goal(Goal.Unit.ITERATIONS, 20);
    Training[] training = new Training[1];
    Judging seen =
        new Judging(i -> i, 0) {
          @Override
          public void progress(Training.Progress p) {
            if (p.iteration() == 10) {
              training[0].stop();
            }
          }
        };
    training[0] = new Training(job, run, evaluating(goal, 10, 1), seen);
    assertEquals(Training.End.STOPPED, training[0].run(0).end());
    assertEquals(List.of(), seen.evaluations);
    new Training(job, run, evaluating(goal, 10, 1), seen).run(0);
    assertEquals(List.of(10L, 20L), seen.evaluations.stream().map(Evaluated::iteration).toList());
  }

  @Test
  void refusesWindowsThatTheRingCannotHold() throws IOException {
    RunFolder run = RunFolder.create(folder.resolve("run"));
    Manifest manifest = manifest(new Goal(Goal.Unit.EPOCHS, 1), 9);
    Recorder recorder = new Recorder();
    assertThrows(IllegalArgumentException.class, () -> new Training(job, run, manifest, recorder));
  }

  @Test
  void checkpointsRestoreAllOrNothing() throws IOException {
    Path file = folder.resolve("c.safetensors");
    state.set(x, 7f);
    Checkpoint written = new Checkpoint(3, 1.5, Map.of("a", "\"quoted\" = ü"));
    written.write(file, state);
    state.set(x, 8f);
    assertEquals(written, Checkpoint.load(file, state, Checkpoint.slots(state)));
    assertEquals(7, state.floats(x)[0]);

    state.set(x, 8f);
    Slot missing = Slot.f32("y", 1);
    List<Slot> more = List.of(x, missing);
    assertTrue(
        assertThrows(FormatException.class, () -> Checkpoint.load(file, state, more))
            .getMessage()
            .contains("y"));
    byte[] bytes = Files.readAllBytes(file);
    bytes[bytes.length - 1] ^= 1;
    Files.write(file, bytes);
    assertThrows(
        FormatException.class, () -> Checkpoint.load(file, state, Checkpoint.slots(state)));
    assertEquals(8, state.floats(x)[0]);
  }

  @Test
  void aFolderIsTrainedInOnce() throws IOException {
    RunFolder run = RunFolder.create(folder.resolve("run"));
    try (var _ = run.lock()) {
      assertTrue(
          assertThrows(IOException.class, run::lock)
              .getMessage()
              .contains("another process is training"));
    }
    run.lock().close();
  }

  @Test
  void manifestsSurviveTheFile() throws IOException {
    RunFolder run = RunFolder.create(folder.resolve("run"));
    Manifest manifest =
        new Manifest(
            Map.of("a", "1", "empty", ""),
            new Goal(Goal.Unit.MINUTES, 0.5),
            new Schedule(3, 2, 1, 7, 200),
            Map.of("b", "x"));
    run.write(manifest);
    assertEquals(manifest, RunFolder.open(run.path()).manifest());
    Files.writeString(run.path().resolve("manifest.json"), manifest.toJson().substring(0, 40));
    assertThrows(FormatException.class, run::manifest);
  }

  @Test
  void differencesNameBothValues() {
    assertEquals(
        List.of("a was '1', is '2'", "b was '1', is not there", "c was not there, is '3'"),
        Manifest.differences(
            new java.util.TreeMap<>(Map.of("a", "1", "b", "1")), Map.of("a", "2", "c", "3")));
  }
}
