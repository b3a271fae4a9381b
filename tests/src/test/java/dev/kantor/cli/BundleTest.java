package dev.kantor.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A bundle, unpacked elsewhere, trains and draws with nothing of this environment. */
class BundleTest {
  @TempDir private Path folder;

  @Test
  void whatIsUnpackedTrainsAndDraws() throws IOException, InterruptedException {
    Path archive = folder.resolve("kantor.tar.gz");
    Kantor.run("bundle", "--out", archive).expect(Main.DONE);
    Path elsewhere = Files.createDirectory(folder.resolve("elsewhere"));
    succeed("tar", "-C", elsewhere, "-xf", archive);
    Path kantor = elsewhere.resolve("kantor/kantor");
    Path run = folder.resolve("run");
    List<Object> train =
        new ArrayList<>(List.of("env", "-i", kantor, "train", "wgan-gp", "--out", run));
    train.addAll(Kantor.SMALL);
    train.addAll(List.of("--iterations", "3"));
    succeed(train.toArray());
    assertTrue(Files.size(run.resolve("curves.png")) > 0);
    Path digits = folder.resolve("digits.png");
    succeed("env", "-i", kantor, "sample", run, "--count", "9", "--out", digits);
    assertTrue(Files.size(digits) > 0);
    Kantor.Result resumed = Kantor.run("info", run).expect(Main.DONE);
    assertFalse(resumed.out().isEmpty());
  }

  @Test
  void anUnknownEndingIsRefused() {
    Kantor.run("bundle", "--out", folder.resolve("kantor.zip"))
        .expect(Main.WRONG_USAGE)
        .says("kantor.zip", ".tar.xz");
  }

  private void succeed(Object... command) throws IOException, InterruptedException {
    Path log = folder.resolve("log");
    Process process =
        new ProcessBuilder(List.of(command).stream().map(Object::toString).toList())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    assertEquals(0, Kantor.await(process), () -> read(log));
  }

  private static String read(Path log) {
    try {
      return Files.readString(log);
    } catch (IOException e) {
      return e.toString();
    }
  }
}
