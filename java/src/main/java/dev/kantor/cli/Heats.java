package dev.kantor.cli;

import dev.kantor.cli.Tournament.Heat;
import dev.kantor.compare.RunResult;
import dev.kantor.metrics.Yardstick;
import dev.kantor.tensor.Device;
import dev.kantor.train.Aside;
import dev.kantor.train.Checkpoint;
import dev.kantor.train.Evaluated;
import dev.kantor.train.EvaluationLog;
import dev.kantor.train.Goal;
import dev.kantor.train.Manifest;
import dev.kantor.train.RunFolder;
import dev.kantor.train.Training;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;

/**
 * Trains what a comparison takes, several at once where that is faster.
 *
 * <p>A multi-layer perceptron trains with one thread, as many of them at once as there are threads:
 * with 2 threads and batches of 64, two trainings at once reach 87 % of the machine's peak, one
 * with both threads 76 % ({@code kantor bench --threads 1,2}, gan). A convolutional network fills
 * all threads, so they train one after another. No number depends on it.
 */
final class Heats {
  /** Larger batches give two threads enough to do. */
  private static final long SMALL_BATCH = 256;

  private final Images images;
  private final Judging judging;
  private final Optional<String> judge;
  private final String deviceName;
  private final int threads;
  private final PrintWriter err;
  private final Ended ended;
  private final Set<Training> active = new HashSet<>();
  private boolean stopping;
  private Exception failure;

  /** Is told of each training that has ended, one at a time. */
  @FunctionalInterface
  interface Ended {
    void ended() throws IOException;
  }

  /**
   * @param judge the checksum of the one that {@code judging} has; empty if it needs none
   */
  Heats(
      Images images,
      Judging judging,
      Optional<String> judge,
      String deviceName,
      int threads,
      PrintWriter err,
      Ended ended) {
    this.images = images;
    this.judging = judging;
    this.judge = judge;
    this.deviceName = deviceName;
    this.threads = threads;
    this.err = err;
    this.ended = ended;
  }

  /** Ends all trainings after their current iteration, each with a checkpoint. */
  synchronized void stop() {
    stopping = true;
    active.forEach(Training::stop);
  }

  private synchronized boolean isStopping() {
    return stopping;
  }

  /**
   * Trains those that are not done.
   *
   * @return whether all are done now; false: it was stopped
   * @throws IOException if a folder cannot be written
   */
  boolean run(List<Heat> heats) throws IOException {
    List<Heat> small = new ArrayList<>();
    List<Heat> large = new ArrayList<>();
    for (Heat heat : heats) {
      if (!isDone(heat, judge)) {
        (isSmall(heat) ? small : large).add(heat);
      }
    }
    int lanes = Math.min(threads, small.size());
    if (lanes > 0) {
      run(small, lanes, threads / lanes);
    }
    if (!large.isEmpty() && !isStopping()) {
      run(large, 1, threads);
    }
    return !isStopping();
  }

  private static boolean isSmall(Heat heat) {
    return !heat.contestant().isConvolutional()
        && heat.contestant().settings().integer("batch-size", 1) <= SMALL_BATCH;
  }

  /**
   * Whether a training has reached its goal, or cannot, and is evaluated by a judge.
   *
   * @param judge its checksum
   */
  static boolean isDone(Heat heat, Optional<String> judge) throws IOException {
    if (!heat.hasBegun()) {
      return false;
    }
    RunFolder run = heat.run();
    List<Long> checkpoints = run.iterations();
    List<Evaluated> evaluations = EvaluationLog.read(run.path());
    if (!Reevaluation.isOf(evaluations, judge)) {
      return false;
    }
    if (RunResult.fault(run).isPresent()) {
      return true;
    }
    if (checkpoints.isEmpty() || evaluations.isEmpty()) {
      return false;
    }
    Goal goal = heat.manifest().goal();
    Evaluated last = evaluations.getLast();
    return last.iteration() == checkpoints.getFirst()
        && (last.iteration() >= goal.iterations(heat.iterationsPerEpoch())
            || last.seconds() >= goal.seconds());
  }

  private void run(List<Heat> heats, int lanes, int threadsEach) throws IOException {
    Queue<Heat> waiting = new ArrayDeque<>(heats);
    int samples = heats.getFirst().manifest().schedule().evaluateCount();
    List<Thread> running = new ArrayList<>();
    for (int i = 0; i < lanes; i++) {
      running.add(
          Thread.ofPlatform().name("lane-" + i).start(() -> lane(waiting, threadsEach, samples)));
    }
    boolean isInterrupted = false;
    for (Thread lane : running) {
      while (lane.isAlive()) {
        try {
          lane.join();
        } catch (InterruptedException e) {
          isInterrupted = true;
          stop();
        }
      }
    }
    if (isInterrupted) {
      Thread.currentThread().interrupt();
    }
    switch (failure) {
      case null -> {}
      case IOException e -> throw e;
      case RuntimeException e -> throw e;
      default -> throw new IllegalStateException(failure);
    }
  }

  /** One training after another, until none is waiting. */
  private void lane(Queue<Heat> waiting, int threadsEach, int samples) {
    try (Device device = Device.open(deviceName, threadsEach);
        Yardstick yardstick = judging.yardstick(device, images, samples, err)) {
      while (!isStopping()) {
        Heat heat;
        synchronized (waiting) {
          heat = waiting.poll();
        }
        if (heat == null) {
          return;
        }
        train(heat, device, yardstick);
      }
    } catch (IOException | RuntimeException e) {
      synchronized (this) {
        failure = failure == null ? e : failure;
      }
      stop();
    }
  }

  private void train(Heat heat, Device device, Yardstick yardstick) throws IOException {
    RunFolder folder = heat.run();
    Files.createDirectories(folder.samples());
    Files.createDirectories(folder.checkpoints());
    try (FileChannel _ = folder.lock();
        Session session = Session.of(device, heat.manifest(), images)) {
      // It may have begun with another judge: kantor resume is to go on with this one.
      Manifest manifest = heat.manifest().with(heat.manifest().schedule(), judging.values());
      if (!heat.hasBegun()) {
        folder.write(
            manifest.with(manifest.schedule(), Map.of("runs-on", DeviceOptions.describe(device))));
      } else if (!manifest.equals(folder.manifest())) {
        folder.write(manifest);
      }
      Checkpoint from = session.load(folder, manifest, err);
      if (!new Reevaluation(session, folder, manifest, err).run(yardstick, this::isStopping)) {
        return;
      }
      if (isDone(heat, judge)) {
        tellEnded();
        return;
      }
      Training.Outcome outcome;
      try (Aside aside = Session.aside(device);
          Progress progress = new Progress(heat, session, yardstick, aside, err)) {
        Training training = new Training(session.job(), folder, manifest, progress, aside);
        if (!activate(training)) {
          return;
        }
        try {
          outcome = training.run(from == null ? 0 : from.seconds());
        } finally {
          deactivate(training);
        }
      }
      if (outcome.end() == Training.End.FAULT) {
        String why = outcome.fault().orElseThrow();
        RunResult.noteFault(folder, why);
        err.println(heat.folder().getFileName() + "  diverged: " + why);
      }
      if (outcome.end() != Training.End.STOPPED) {
        tellEnded();
      }
    }
  }

  private synchronized void tellEnded() throws IOException {
    ended.ended();
  }

  private synchronized boolean activate(Training training) {
    if (!stopping) {
      active.add(training);
    }
    return !stopping;
  }

  private synchronized void deactivate(Training training) {
    active.remove(training);
  }
}
