package dev.kantor.train;

import dev.kantor.graph.State;
import dev.kantor.nativelib.Native;
import dev.kantor.nativelib.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Replays a job until its goal, and keeps its folder: metrics, pictures at each epoch's end,
 * checkpoints.
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
  private boolean stopping;
  private boolean active;

  /** Sees the training go on. */
  public interface Watcher {
    /** A row has come to the metrics. */
    void logged(Row row) throws IOException;

    /** After each replay. */
    void progress(Progress progress);

    /**
     * The time to draw what the model does now. The state does not change meanwhile, and must not
     * be changed.
     */
    void picture(String name) throws IOException;
  }

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

  /** A training of a job in a folder. */
  public Training(Job job, RunFolder folder, Manifest manifest, Watcher watcher) {
    long rows = job.ring().shape().dim(0);
    if (manifest.logEvery() > rows / 2) {
      throw new IllegalArgumentException(
          "log-every is " + manifest.logEvery() + "; expected at most " + rows / 2);
    }
    this.job = job;
    this.folder = folder;
    this.manifest = manifest;
    this.watcher = watcher;
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
    long start = System.nanoTime();
    State state = job.state();
    long perEpoch = job.iterationsPerEpoch();
    long rows = job.ring().shape().dim(0);
    long last = manifest.goal().iterations(perEpoch);
    long at = state.longs(job.counter())[0];
    long chunk = 1;
    try (MetricsLog log = new MetricsLog(folder.path(), job.metrics(), at)) {
      if (at == 0) {
        watcher.picture(pictureOfEpoch(0));
      }
      setActive(true);
      while (at < last && !isStopping()) {
        double seconds = secondsBefore + secondsSince(start);
        if (seconds >= manifest.goal().seconds()) {
          break;
        }
        long boundary = Math.min(last, (at / perEpoch + 1) * perEpoch);
        long n = Math.min(Math.min(chunk, rows - manifest.logEvery()), boundary - at);
        long before = System.nanoTime();
        Native.RunResult result = job.iteration().run(n);
        double took = Math.max(secondsSince(before), 1e-9);
        long from = at;
        at = state.longs(job.counter())[0];
        seconds = secondsBefore + secondsSince(start);
        double[] ring = state.doubles(job.ring());
        for (long end = (from / manifest.logEvery() + 1) * manifest.logEvery();
            end <= at;
            end += manifest.logEvery()) {
          Row row = row(ring, end, manifest.logEvery(), seconds);
          log.append(row);
          watcher.logged(row);
        }
        log.flush();
        if (result.status() == Status.FAULT) {
          log.sync();
          return faulted(at, seconds);
        }
        chunk = at == from ? 1 : Math.max(1, (long) (CHUNK_SECONDS * (at - from) / took));
        boolean isEpochEnd = at == boundary && at % perEpoch == 0;
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
        if (isEpochEnd) {
          watcher.picture(pictureOfEpoch(at / perEpoch));
          if (at / perEpoch % manifest.checkpointEvery() == 0) {
            log.sync();
            save(at, secondsBefore + secondsSince(start));
          }
        }
      }
      boolean isDone = !isStopping() || at >= last;
      if (isDone && at % perEpoch != 0) {
        watcher.picture(String.format(Locale.ROOT, "iteration-%08d", at));
      }
      log.sync();
      Path file = folder.checkpoint(at);
      if (!Files.exists(file)) {
        save(at, secondsBefore + secondsSince(start));
      }
      return new Outcome(isDone ? End.DONE : End.STOPPED, at, file, Optional.empty());
    } finally {
      setActive(false);
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

  private Path save(long at, double seconds) throws IOException {
    Path file = folder.checkpoint(at);
    new Checkpoint(at, seconds, manifest.configuration()).write(file, job.state());
    folder.prune(manifest.keep(), at);
    return file;
  }

  private Outcome faulted(long at, double seconds) throws IOException {
    long[] fault = job.state().longs(job.fault());
    String tensor =
        fault[1] >= 0 && fault[1] < job.tensors().size()
            ? job.tensors().get((int) fault[1])
            : "tensor " + fault[1];
    // The flag would stop whoever goes on from the checkpoint before the first iteration.
    job.state().set(job.fault(), new long[fault.length]);
    // A checkpoint of this iteration is from before its first update: it stays, for it continues
    // bit for bit.
    Path file = Files.exists(folder.checkpoint(at)) ? folder.checkpoint(at) : save(at, seconds);
    return new Outcome(
        End.FAULT, at, file, Optional.of(tensor + " is not finite in iteration " + fault[2]));
  }
}
