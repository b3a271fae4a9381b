package dev.kantor.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ResumeTest {
  private static final long ITERATIONS_PER_EPOCH = 10;

  @TempDir private Path folder;

  @Test
  void equalsARunInOneGo() throws IOException {
    Path straight = folder.resolve("straight");
    Path parts = folder.resolve("parts");
    Path moved = folder.resolve("moved");
    Kantor.train(straight, "--epochs", 2, "--log-every", 3).expect(0);
    Kantor.train(parts, "--epochs", 1, "--log-every", 3).expect(0);
    Files.move(parts, moved);
    Kantor.run("resume", moved, "--epochs", 2, "--threads", 1)
        .expect(0)
        .says("continues after iteration 10");
    Kantor.assertSameRun(straight, moved);
    Kantor.run("resume", moved).expect(0).says("has reached its goal of 2 epochs");
  }

  @Test
  void continuesAfterKill() throws IOException, InterruptedException {
    Path killed = folder.resolve("killed");
    Path log = folder.resolve("log");
    Process process = Kantor.fork(log, endless(killed));
    try {
      Kantor.awaitCheckpoint(process, killed, log);
      Thread.sleep(50);
    } finally {
      process.destroyForcibly();
    }
    Kantor.await(process);
    assertContinues(killed);
  }

  @Test
  void continuesAfterCtrlC() throws IOException, InterruptedException {
    Path interrupted = folder.resolve("inter rupted");
    Path log = folder.resolve("log");
    Process process = Kantor.fork(log, endless(interrupted));
    try {
      Kantor.awaitCheckpoint(process, interrupted, log);
      new ProcessBuilder("kill", "-INT", Long.toString(process.pid())).start().waitFor();
      assertEquals(130, Kantor.await(process), Files.readString(log));
    } finally {
      process.destroyForcibly();
    }
    String text = Files.readString(log);
    assertTrue(text.contains("kantor resume '" + interrupted + "'"), text);
    assertTrue(
        text.contains("after iteration " + Kantor.iteration(Kantor.last(interrupted))), text);
    assertContinues(interrupted);
  }

  private static Object[] endless(Path run) {
    List<Object> args =
        new ArrayList<>(
            List.of(
                "train",
                "wgan-gp",
                "--out",
                run,
                "--epochs",
                1_000_000,
                "--checkpoint-every",
                2,
                "--threads",
                1));
    args.addAll(Kantor.SMALL);
    return args.toArray();
  }

  /** Goes on to the end of the epoch after the next and compares with a run in one go. */
  private void assertContinues(Path run) throws IOException {
    long epochs = Kantor.iteration(Kantor.last(run)) / ITERATIONS_PER_EPOCH + 2;
    Kantor.run("resume", run, "--epochs", epochs).expect(0);
    Path straight = folder.resolve("straight");
    Kantor.train(straight, "--epochs", epochs, "--checkpoint-every", 1000).expect(0);
    Kantor.assertSameRun(straight, run);
  }

  @Test
  void startsAnewWithoutACheckpoint() throws IOException {
    Path straight = folder.resolve("straight");
    Path run = folder.resolve("run");
    Kantor.train(straight, "--epochs", 1).expect(0);
    Kantor.train(run, "--epochs", 1).expect(0);
    Files.delete(Kantor.last(run));
    Files.writeString(run.resolve("metrics.csv"), "11,1.1,torn", StandardOpenOption.APPEND);
    Kantor.run("resume", run).expect(0).says("starts from the beginning");
    Kantor.assertSameRun(straight, run);
  }

  @Test
  void goesBackFromADamagedCheckpoint() throws IOException {
    Path straight = folder.resolve("straight");
    Path run = folder.resolve("run");
    Kantor.train(straight, "--epochs", 3).expect(0);
    Kantor.train(run, "--epochs", 2).expect(0);
    Path newest = Kantor.last(run);
    byte[] bytes = Files.readAllBytes(newest);
    bytes[bytes.length - 100] ^= 1;
    Files.write(newest, bytes);
    Kantor.run("resume", run, "--epochs", 3)
        .expect(0)
        .says("is damaged", "going back", "continues after iteration 10");
    Kantor.assertSameRun(straight, run);
  }

  @Test
  void saysWhenAllCheckpointsAreDamaged() throws IOException {
    Path run = folder.resolve("run");
    Kantor.train(run, "--epochs", 1).expect(0);
    Files.write(Kantor.last(run), new byte[100]);
    Kantor.run("resume", run, "--epochs", 2).expect(1).says("all 1 checkpoints", "are damaged");
  }

  @Test
  void refusesAnotherConfiguration() throws IOException {
    Path run = folder.resolve("run");
    Kantor.train(run, "--epochs", 1).expect(0);
    Kantor.run("resume", run, "--epochs", 2, "--set", "beta1=0.3", "--set", "latent=9")
        .expect(1)
        .says("beta1 was '0.5', is '0.3'", "latent was '8', is '9'");
    Kantor.run("resume", run, "--epochs", 2, "--set", "beta1=0.5").expect(0);
    Path manifest = run.resolve("manifest.json");
    Files.writeString(
        manifest,
        Files.readString(manifest)
            .replace("\"learning-rate\": \"1e-4\"", "\"learning-rate\": \"2e-4\""));
    Kantor.run("resume", run, "--epochs", 3).expect(1).says("learning-rate was '1e-4', is '2e-4'");
    Files.writeString(
        manifest, Files.readString(manifest).replace("\"limit\": \"640\"", "\"limit\": \"641\""));
    Kantor.run("resume", run, "--epochs", 3).expect(1).says("images was '640', is '641'");
  }

  @Test
  void refusesWhatIsNoRun() throws IOException {
    Kantor.run("resume", folder).expect(1).says("is not the folder of a run");
    Files.writeString(folder.resolve("manifest.json"), "{}");
    Kantor.run("resume", folder).expect(1).says("manifest");
  }
}
