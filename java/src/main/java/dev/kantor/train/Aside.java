package dev.kantor.train;

import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Work of the host that a training need not wait for, done one after the other: on a thread of its
 * own, or at once where the training's own threads are the host's, and another would only be in
 * their way. For one thread to ask for.
 */
public final class Aside implements AutoCloseable {
  private final ExecutorService thread; // null: at once
  private final AtomicLong latest = new AtomicLong();
  private volatile boolean hasFailed;
  private volatile Throwable failure; // until it is thrown

  /** Something that may fail because a file cannot be written. */
  @FunctionalInterface
  public interface Work {
    void run() throws IOException;
  }

  /**
   * @param isThreaded whether it has a thread of its own
   */
  public Aside(boolean isThreaded) {
    thread =
        isThreaded
            ? Executors.newSingleThreadExecutor(Thread.ofPlatform().name("aside").factory())
            : null;
  }

  /**
   * Has something done in its turn.
   *
   * @throws IOException if it has failed, or something before it has; nothing is done then
   */
  public void run(Work work) throws IOException {
    if (thread == null) {
      work.run();
      return;
    }
    rethrow();
    thread.execute(() -> attempt(work));
  }

  private void attempt(Work work) {
    if (!hasFailed) {
      try {
        work.run();
      } catch (IOException | RuntimeException | Error e) {
        failure = e;
        hasFailed = true;
      }
    }
  }

  /**
   * The same of something that makes anew what it made before: where it is asked for again before
   * its turn, once will do.
   */
  public void runLatest(Work work) throws IOException {
    long mine = latest.incrementAndGet();
    run(
        () -> {
          if (latest.get() == mine) {
            work.run();
          }
        });
  }

  /**
   * Waits until all is done.
   *
   * @throws IOException if something has failed
   */
  public void await() throws IOException {
    if (thread != null) {
      CompletableFuture.runAsync(() -> {}, thread).join();
      rethrow();
    }
  }

  private void rethrow() throws IOException {
    Throwable e = failure;
    failure = null;
    switch (e) {
      case null -> {}
      case IOException io -> throw io;
      case RuntimeException r -> throw r;
      case Error error -> throw error;
      default -> throw new IllegalStateException(e);
    }
  }

  /** Waits as {@link #await} does. */
  @Override
  public void close() throws IOException {
    try {
      await();
    } finally {
      if (thread != null) {
        thread.shutdown();
      }
    }
  }
}
