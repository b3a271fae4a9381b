package dev.kantor.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.kantor.cli.Kantor.Result;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FaultTest {
  @TempDir private Path folder;

  @Test
  void aDivergedTrainingNamesTensorAndIterationAndKeepsAGoodState() throws IOException {
    Path run = folder.resolve("run");
    Result r =
        Kantor.train(run, "--epochs", 1, "--set", "learning-rate=1e30", "--set", "optimizer=sgd")
            .expect(1)
            .says(
                "the gradient of ",
                "is not finite in iteration 0",
                "lower learning-rate",
                "iteration-00000000.safetensors");
    assertEquals(1, r.err().lines().filter(l -> l.startsWith("kantor: ")).count(), r.err());
    Map<String, byte[]> tensors = Kantor.tensors(Kantor.last(run));
    tensors.forEach(
        (name, bytes) -> {
          if (name.startsWith("critic.") || name.startsWith("generator.")) {
            ByteBuffer b = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
            while (b.remaining() >= 4 && !name.endsWith(".step")) {
              assertTrue(Float.isFinite(b.getFloat()), name);
            }
          }
        });
    assertEquals(0, ByteBuffer.wrap(tensors.get("fault")).getLong());
    // Going on meets the same fault again, and says so.
    Kantor.run("resume", run).expect(1).says("is not finite");
  }

  @Test
  void aDivergedTrainingIsNotTimed() {
    Kantor.train(
            folder.resolve("run"),
            "--dry-run",
            "--set",
            "learning-rate=1e30",
            "--set",
            "optimizer=sgd")
        .expect(1)
        .says("not finite", "learning-rate");
  }

  @Test
  void aFolderThatCannotBeWritten() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "");
    Kantor.train(file.resolve("run"), "--epochs", 1)
        .expect(1)
        .says("cannot make the folder", "--out");
    assumeFalse(
        System.getProperty("user.name").equals("root"),
        "root may write everywhere but to a read-only file system");
    assertTrue(folder.toFile().setWritable(false));
    Kantor.train(folder.resolve("run"), "--epochs", 1)
        .expect(1)
        .says("cannot make the folder", "--out");
    assertTrue(folder.toFile().setWritable(true));
  }

  @Test
  void aFullDiskLeavesTheLastCheckpoint() throws IOException, InterruptedException {
    Path disk = mount("size=900k");
    try {
      Path run = disk.resolve("run");
      Kantor.train(run, "--epochs", 1000, "--keep", 100).expect(1).says("cannot write", "full");
      assertFalse(Kantor.tensors(Kantor.last(run)).isEmpty());
      Path freed = folder.resolve("freed");
      copy(run, freed);
      Kantor.run("resume", freed, "--epochs", Kantor.iteration(Kantor.last(run)) / 10 + 1)
          .expect(0);
    } finally {
      new ProcessBuilder("umount", disk.toString()).start().waitFor();
    }
  }

  @Test
  void aReadOnlyFileSystem() throws IOException, InterruptedException {
    Path disk = mount("size=100k,ro");
    try {
      Kantor.train(disk.resolve("run"), "--epochs", 1)
          .expect(1)
          .says("cannot make the folder", "read-only");
    } finally {
      new ProcessBuilder("umount", disk.toString()).start().waitFor();
    }
  }

  private Path mount(String options) throws IOException, InterruptedException {
    Path disk = Files.createDirectory(folder.resolve("disk"));
    Process mount =
        new ProcessBuilder("mount", "-t", "tmpfs", "-o", options, "tmpfs", disk.toString())
            .redirectErrorStream(true)
            .start();
    if (mount.waitFor() != 0) {
      System.err.println(
          "SKIPPED: a file system of one's own needs root: "
              + new String(mount.getInputStream().readAllBytes()));
      abort("mounting is not allowed here");
    }
    return disk;
  }

  private static void copy(Path from, Path to) throws IOException {
    try (var all = Files.walk(from)) {
      for (Path p : all.toList()) {
        Files.copy(p, to.resolve(from.relativize(p).toString()));
      }
    }
  }
}
