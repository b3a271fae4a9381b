package dev.kantor.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.kantor.io.SafeTensors;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Runs the command line in this process or in one of its own, and compares what it leaves behind.
 */
final class Kantor {
  /** A GAN that trains in no time: 10 iterations an epoch. */
  static final List<String> SMALL =
      List.of(
          "--data",
          "glyphs",
          "--limit",
          "640",
          "--batch-size",
          "32",
          "--critic-steps",
          "2",
          "--set",
          "generator-hidden=16",
          "--set",
          "critic-hidden=16,16",
          "--set",
          "latent=8");

  /** Far beyond what anything here takes, even on a machine that has much else to do. */
  private static final long PATIENCE_SECONDS = 180;

  private Kantor() {}

  /** How a command ended. */
  record Result(int status, String out, String err) {
    Result expect(int expected) {
      assertEquals(expected, status, err);
      return this;
    }

    /** Whether each part is in the messages. */
    Result says(String... parts) {
      for (String part : parts) {
        assertTrue(err.contains(part), "'" + part + "' is not in: " + err);
      }
      return this;
    }
  }

  static Result run(Object... args) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int status =
        Main.run(
            new PrintStream(out, true, StandardCharsets.UTF_8),
            new PrintStream(err, true, StandardCharsets.UTF_8),
            Stream.of(args).map(Object::toString).toArray(String[]::new));
    return new Result(
        status, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }

  /** Trains a small wgan-gp. */
  static Result train(Path run, Object... more) {
    List<Object> args = new ArrayList<>(List.of("train", "wgan-gp", "--out", run));
    args.addAll(SMALL);
    args.addAll(List.of(more));
    return run(args.toArray());
  }

  /** A process of its own; its output goes to {@code log}. */
  static Process fork(Path log, Object... args) throws IOException {
    // Whoever runs the tests in the background may have SIGINT ignored, and children inherit that.
    List<String> command =
        new ArrayList<>(
            List.of(
                "env",
                "--default-signal=INT",
                System.getProperty("java.home") + "/bin/java",
                "--enable-native-access=ALL-UNNAMED",
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("java.class.path")));
    for (String name : List.of("org.bytedeco.javacpp.cachedir", "kantor.library.path")) {
      if (System.getProperty(name) != null) {
        command.add("-D" + name + "=" + System.getProperty(name));
      }
    }
    command.add("dev.kantor.cli.Main");
    Stream.of(args).map(Object::toString).forEach(command::add);
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(log.toFile())
        .start();
  }

  /** Waits until the process has ended. */
  static int await(Process process) throws InterruptedException {
    assertTrue(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS), "it still runs");
    return process.exitValue();
  }

  /** Waits until a forked training has written a checkpoint. */
  static void awaitCheckpoint(Process process, Path run, Path log)
      throws IOException, InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (checkpoints(run).isEmpty()) {
      boolean goesOn = process.isAlive() && System.nanoTime() < deadline;
      assertTrue(goesOn, goesOn ? "" : "there came no checkpoint: " + Files.readString(log));
      Thread.sleep(5);
    }
  }

  /** The checkpoints of a run, the latest last. */
  static List<Path> checkpoints(Path run) throws IOException {
    Path folder = run.resolve("checkpoints");
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(f -> f.toString().endsWith(".safetensors")).sorted().toList();
    }
  }

  static Path last(Path run) throws IOException {
    return checkpoints(run).getLast();
  }

  static long iteration(Path checkpoint) {
    return Long.parseLong(checkpoint.getFileName().toString().replaceAll("\\D", ""));
  }

  /** All tensors of a file whose checksum is right. */
  static Map<String, byte[]> tensors(Path file) throws IOException {
    Map<String, byte[]> all = new TreeMap<>();
    try (Arena arena = Arena.ofConfined()) {
      SafeTensors.open(file, arena, SafeTensors.Check.CONTENT)
          .tensors()
          .forEach((name, e) -> all.put(name, e.data().toArray(ValueLayout.JAVA_BYTE)));
    }
    return all;
  }

  /** The last checkpoints hold the same bits, and the metrics the same rows, times apart. */
  static void assertSameRun(Path expected, Path actual) throws IOException {
    assertEquals(last(expected).getFileName(), last(actual).getFileName());
    Map<String, byte[]> a = tensors(last(expected));
    Map<String, byte[]> b = tensors(last(actual));
    assertEquals(a.keySet(), b.keySet());
    a.forEach((name, bytes) -> assertArrayEquals(bytes, b.get(name), name));
    assertEquals(rows(expected), rows(actual));
    assertEquals(
        Files.readAllLines(expected.resolve("metrics.jsonl")).size(),
        Files.readAllLines(actual.resolve("metrics.jsonl")).size());
  }

  private static List<String> rows(Path run) throws IOException {
    // iteration, epoch, samples, seconds, ...
    return Files.readAllLines(run.resolve("metrics.csv")).stream()
        .map(l -> l.replaceFirst("^(\\d+,[^,]*,\\d+),[^,]*", "$1"))
        .toList();
  }
}
