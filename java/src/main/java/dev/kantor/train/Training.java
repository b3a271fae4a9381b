package dev.kantor.train;

import com.google.gson.JsonObject;
import dev.kantor.graph.State;
import dev.kantor.nativelib.Native;
import dev.kantor.nativelib.Status;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Replays a job until its goal, and keeps its folder: metrics, pictures at each epoch's end,
 * checkpoints, evaluations.
 *
 * <p>An iteration depends on the state alone, so how many are replayed in one call changes nothing
 * but how often this looks at the clock.
 */
public final class Training {
  /** A replay ends about this often, to log, to show progress and to look at the clock. */
  private static final double CHUNK_SECONDS = 0.2;

  /** Rows an epoch in the metrics, about. */
  private static final long ROWS_PER_EPOCH = 100;

  private final Job job;
  private final RunFolder folder;
  private final Manifest manifest;
  private final Watcher watcher;
  private final Aside aside;
  private final Clock clock = new Clock();
  private boolean stopping;
  private boolean active;

  /** Sees the training go on. */
  public interface Watcher {
    /** A row has come to the metrics. The {@link Aside} of the training calls this. */
    void logged(Row row) throws IOException;

    /** After each replay. */
    void progress(Progress progress);

    /**
     * The time to draw what the model does now. The state does not change meanwhile, and must not
     * be changed.
     */
    void picture(String name) throws IOException;

    /**
     * The time to evaluate what the model does now, if the schedule has evaluations. The state does
     * not change meanwhile, and must not be changed.
     *
     * @param before the evaluations that there are, the earliest first
     */
    Finding evaluate(List<Evaluated> before) throws IOException;

    /** An evaluation has come to the log. */
    void evaluated(Evaluated evaluated) throws IOException;
  }

  /**
   * What an evaluation found, see {@link Evaluated}.
   *
   * @param evaluation of samples
   * @param alarm what is wrong
   */
  public record Finding(JsonObject evaluation, Optional<String> alarm) {}

  /**
   * How far a training is.
   *
   * @param iteration iterations done
   * @param last the iteration of the goal
   * @param isEpochEnd whether a pass over the data has just ended
   * @param row the latest iteration's metrics
   * @param samplesPerSecond speed of the latest replay
   * @param secondsLeft an estimate
   */
  public record Progress(
      long iteration,
      long last,
      boolean isEpochEnd,
      Row row,
      double samplesPerSecond,
      double secondsLeft) {}

  /** Why a training ended. */
  public enum End {
    DONE,
    STOPPED,
    /** A value that is not finite met the guard; the state is that of the last good update. */
    FAULT
  }

  /**
   * How a training ended.
   *
   * @param checkpoint holds the state
   * @param fault for {@link End#FAULT}: which tensor and when, for people
   */
  public record Outcome(End end, long iteration, Path checkpoint, Optional<String> fault) {}

  /** A training of a job in a folder that does everything itself. */
  public Training(Job job, RunFolder folder, Manifest manifest, Watcher watcher) {
    this(job, folder, manifest, watcher, new Aside(false));
  }

  /**
   * A training of a job in a folder.
   *
   * @param aside who writes metrics and checkpoints, while the next replay is under way
   */
  public Training(Job job, RunFolder folder, Manifest manifest, Watcher watcher, Aside aside) {
    long rows = job.ring().shape().dim(0);
    if (manifest.schedule().logEvery() > rows / 2) {
      throw new IllegalArgumentException(
          "log-every is " + manifest.schedule().logEvery() + "; expected at most " + rows / 2);
    }
    this.job = job;
    this.folder = folder;
    this.manifest = manifest;
    this.watcher = watcher;
    this.aside = aside;
  }

  /** How many iterations a row of the metrics is the mean of if nothing else is asked for. */
  public static long defaultLogEvery(Job job) {
    return Math.clamp(job.iterationsPerEpoch() / ROWS_PER_EPOCH, 1, job.ring().shape().dim(0) / 2);
  }

  /**
   * Ends the training after its current iteration, with a checkpoint. From any thread, at any time.
   */
  public synchronized void stop() {
    stopping = true;
    if (active) {
      job.iteration().cancel();
    }
  }

  private synchronized boolean isStopping() {
    return stopping;
  }

  private synchronized void setActive(boolean value) {
    active = value;
  }

  /**
   * Trains from the iteration that the state is at.
   *
   * @param secondsBefore time that the run has been trained for already
   * @throws IOException if the folder cannot be written
   */
  public Outcome run(double secondsBefore) throws IOException {
    clock.start(secondsBefore);
    State state = job.state();
    Schedule schedule = manifest.schedule();
    long perEpoch = job.iterationsPerEpoch();
    long rows = job.ring().shape().dim(0);
    long last = manifest.goal().iterations(perEpoch);
    long at = state.longs(job.counter())[0];
    long chunk = 1;
    EvaluationLog evaluations = new EvaluationLog(folder.path(), at);
    try (MetricsLog log = new MetricsLog(folder.path(), job.metrics(), at);
        Closeable _ = aside::await) {
      if (at == 0) {
        watcher.picture(pictureOfEpoch(0));
      } else if (isEvaluation(at, last)) {
        evaluate(evaluations, at); // whoever trained until here was stopped before
      }
      setActive(true);
      while (at < last && !isStopping() && clock.seconds() < manifest.goal().seconds()) {
        long boundary = boundary(at, last);
        long n = Math.min(Math.min(chunk, rows - schedule.logEvery()), boundary - at);
        long before = System.nanoTime();
        Native.RunResult result = job.iteration().run(n);
        double took = Math.max(secondsSince(before), 1e-9);
        long from = at;
        at = state.longs(job.counter())[0];
        double seconds = clock.seconds();
        double[] ring = state.doubles(job.ring());
        long to = at;
        aside.run(() -> log(log, ring, from, to, seconds));
        if (result.status() == Status.FAULT) {
          sync(log);
          return faulted(at, log, evaluations);
        }
        chunk = at == from ? 1 : Math.max(1, (long) (CHUNK_SECONDS * (at - from) / took));
        boolean isEpochEnd = at > from && at % perEpoch == 0;
        if (at > from) {
          watcher.progress(
              new Progress(
                  at,
                  last,
                  isEpochEnd,
                  row(ring, at, 1, seconds),
                  (at - from) * job.samplesPerIteration() / took,
                  secondsLeft(at, from, took, last, seconds)));
        }
        if (at == boundary && isEvaluation(at, last)) {
          sync(log);
          evaluate(evaluations, at);
        }
        if (isEpochEnd) {
          boolean isSaved = at / perEpoch % schedule.checkpointEvery() == 0;
          if (isSaved) {
            aside.await(); // so that there is one copy of the state at a time
          }
          watcher.picture(pictureOfEpoch(at / perEpoch));
          if (isSaved) {
            save(at, log, evaluations);
          }
        }
      }
      boolean isDone = !isStopping() || at >= last;
      if (isDone && at % perEpoch != 0) {
        watcher.picture(String.format(Locale.ROOT, "iteration-%08d", at));
      }
      sync(log);
      if (isDone) {
        evaluate(evaluations, at);
      }
      save(at, log, evaluations);
      return new Outcome(
          isDone ? End.DONE : End.STOPPED, at, folder.checkpoint(at), Optional.empty());
    } finally {
      setActive(false);
    }
  }

  /** Where a replay has to end: there is something to be done. */
  private long boundary(long at, long last) {
    long perEpoch = job.iterationsPerEpoch();
    long every = manifest.schedule().evaluateEvery();
    long boundary = Math.min(last, (at / perEpoch + 1) * perEpoch);
    return every == 0 ? boundary : Math.min(boundary, (at / every + 1) * every);
  }

  /** Whoever is stopped does not wait for an evaluation: it is made up for on resuming. */
  private boolean isEvaluation(long at, long last) {
    long every = manifest.schedule().evaluateEvery();
    return every > 0 && (at == last || at % every == 0 && !isStopping());
  }

  /** Waits until all rows are on the disk, and what was to be saved is. */
  private void sync(MetricsLog log) throws IOException {
    aside.await();
    log.sync();
  }

  private void log(MetricsLog log, double[] ring, long from, long at, double seconds)
      throws IOException {
    long every = manifest.schedule().logEvery();
    for (long end = (from / every + 1) * every; end <= at; end += every) {
      Row row = row(ring, end, every, seconds);
      log.append(row);
      watcher.logged(row);
    }
    log.flush();
  }

  /**
   * Evaluates, unless that was done for this iteration. A checkpoint better than all before is
   * written first: whatever the log names as the best is there.
   */
  private void evaluate(EvaluationLog evaluations, long at) throws IOException {
    List<Evaluated> before = evaluations.all();
    if (!manifest.schedule().evaluates()
        || !before.isEmpty() && before.getLast().iteration() >= at) {
      return;
    }
    double seconds = clock.seconds();
    long start = System.nanoTime();
    Finding finding = watcher.evaluate(before);
    Evaluated now =
        new Evaluated(
            at,
            (double) at / job.iterationsPerEpoch(),
            at * job.samplesPerIteration(),
            seconds,
            finding.evaluation(),
            finding.alarm());
    boolean isBest =
        now.distance() < Evaluated.best(before).map(Evaluated::distance).orElse(Double.MAX_VALUE);
    if (isBest) {
      try (Checkpoint.Copy copy = copy(at, seconds)) {
        write(at, copy);
      }
    }
    evaluations.append(now);
    folder.prune(manifest.schedule().keep(), at, best(evaluations));
    watcher.evaluated(now);
    clock.leaveOut(start);
  }

  /** Time spent training. */
  private static final class Clock {
    private long start;
    private double before;

    void start(double secondsBefore) {
      start = System.nanoTime();
      before = secondsBefore;
    }

    double seconds() {
      return before + secondsSince(start);
    }

    /** What has gone by since then was for something else. */
    void leaveOut(long nanoTime) {
      start += System.nanoTime() - nanoTime;
    }
  }

  private static String pictureOfEpoch(long epoch) {
    return String.format(Locale.ROOT, "epoch-%04d", epoch);
  }

  private static double secondsSince(long nanoTime) {
    return (System.nanoTime() - nanoTime) / 1e9;
  }

  private double secondsLeft(long at, long from, double took, long last, double seconds) {
    return last == Long.MAX_VALUE
        ? manifest.goal().seconds() - seconds
        : (last - at) * took / (at - from);
  }

  private Row row(double[] ring, long end, long window, double seconds) {
    int width = job.metrics().size();
    long rows = job.ring().shape().dim(0);
    List<Double> means = new ArrayList<>();
    for (int m = 0; m < width; m++) {
      double sum = 0;
      for (long i = end - window; i < end; i++) {
        sum += ring[(int) (i % rows) * width + m];
      }
      means.add(sum / window);
    }
    return new Row(
        end,
        (double) end / job.iterationsPerEpoch(),
        end * job.samplesPerIteration(),
        seconds,
        means);
  }

  /**
   * Has the state, as it is now, and all rows written to the disk; nothing, if there is a
   * checkpoint of the iteration. None may be under way.
   */
  private void save(long at, MetricsLog log, EvaluationLog evaluations) throws IOException {
    OptionalLong best = best(evaluations);
    Checkpoint.Copy copy = copy(at, clock.seconds());
    aside.run(
        () -> {
          try (copy) {
            log.sync(); // no state is to be there that the rows do not lead up to
            write(at, copy);
          }
          folder.prune(manifest.schedule().keep(), at, best);
        });
  }

  /** A copy of the state for a checkpoint; null if there is one of the iteration. */
  private Checkpoint.Copy copy(long at, double seconds) {
    return Files.exists(folder.checkpoint(at))
        ? null
        : new Checkpoint(at, seconds, manifest.configuration()).copy(job.state());
  }

  private void write(long at, Checkpoint.Copy copy) throws IOException {
    if (copy != null) {
      copy.write(folder.checkpoint(at));
    }
  }

  private static OptionalLong best(EvaluationLog evaluations) {
    return Evaluated.best(evaluations.all()).stream().mapToLong(Evaluated::iteration).findFirst();
  }

  private Outcome faulted(long at, MetricsLog log, EvaluationLog evaluations) throws IOException {
    long[] fault = job.state().longs(job.fault());
    String tensor =
        fault[1] >= 0 && fault[1] < job.tensors().size()
            ? job.tensors().get((int) fault[1])
            : "tensor " + fault[1];
    // The flag would stop whoever goes on from the checkpoint before the first iteration.
    job.state().set(job.fault(), new long[fault.length]);
    // A checkpoint of this iteration is from before its first update: it stays, for it continues
    // bit for bit.
    save(at, log, evaluations);
    return new Outcome(
        End.FAULT,
        at,
        folder.checkpoint(at),
        Optional.of(tensor + " is not finite in iteration " + fault[2]));
  }
}
