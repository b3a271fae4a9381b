package dev.kantor.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.kantor.nativelib.Native;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A bundle, unpacked elsewhere, trains and draws with nothing of this environment. */
class BundleTest {
  private static final Path CUDA_LIBRARY =
      Path.of(System.getProperty("kantor.cuda.library", "libkantor_cuda.so"));

  @TempDir private Path folder;

  @Test
  void whatIsUnpackedTrainsAndDraws() throws IOException, InterruptedException {
    Path archive = folder.resolve("kantor.tar.gz");
    bundleWithCuda(archive);
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
    if (Files.exists(CUDA_LIBRARY)) {
      withoutDriver(elsewhere.resolve("kantor"));
    }
  }

  /** Packs the CUDA library too, if the native tests have built it. */
  private void bundleWithCuda(Path archive) throws IOException {
    if (!Files.exists(CUDA_LIBRARY)) {
      Kantor.run("bundle", "--out", archive).expect(Main.DONE);
      return;
    }
    Path libraries = Files.createDirectory(folder.resolve("libraries"));
    Native.copyLibraries(libraries);
    Files.copy(
        CUDA_LIBRARY,
        libraries.resolve(CUDA_LIBRARY.getFileName()),
        StandardCopyOption.REPLACE_EXISTING);
    String before = System.getProperty(Native.LIBRARY_PATH);
    System.setProperty(Native.LIBRARY_PATH, libraries.toString());
    try {
      Kantor.run("bundle", "--cuda", "--out", archive).expect(Main.DONE);
    } finally {
      if (before == null) {
        System.clearProperty(Native.LIBRARY_PATH);
      } else {
        System.setProperty(Native.LIBRARY_PATH, before);
      }
    }
  }

  /** With no driver it computes on the CPU without a word, and who asks for a GPU is told. */
  private void withoutDriver(Path bundle) throws IOException, InterruptedException {
    assertTrue(Files.exists(bundle.resolve("native").resolve(CUDA_LIBRARY.getFileName())));
    Path kantor = bundle.resolve("kantor");
    // An empty driver, in case that this machine has one.
    Files.createFile(bundle.resolve("native/libcuda.so.1"));
    String noDriver = "LD_LIBRARY_PATH=" + bundle.resolve("native");
    succeed("env", "-i", noDriver, kantor, "info", "--json");
    assertFalse(read(folder.resolve("log")).contains("kantor: "), read(folder.resolve("log")));
    assertEquals(1, run("env", "-i", noDriver, kantor, "info", "--device", "cuda"));
    String said = read(folder.resolve("log"));
    assertTrue(said.contains("no NVIDIA driver answers"), said);
  }

  @Test
  void aBundleForGpusNeedsTheirLibrary() throws IOException {
    assumeFalse(Native.hasCudaLibrary(), "this build has it");
    Kantor.run("bundle", "--cuda", "--out", folder.resolve("kantor.tar"))
        .expect(Main.FAILED)
        .says("libkantor_cuda.so", "KANTOR_CUDA=ON");
  }

  @Test
  void anUnknownEndingIsRefused() {
    Kantor.run("bundle", "--out", folder.resolve("kantor.zip"))
        .expect(Main.WRONG_USAGE)
        .says("kantor.zip", ".tar.xz");
  }

  private void succeed(Object... command) throws IOException, InterruptedException {
    assertEquals(0, run(command), () -> read(folder.resolve("log")));
  }

  private int run(Object... command) throws IOException, InterruptedException {
    Path log = folder.resolve("log");
    Process process =
        new ProcessBuilder(List.of(command).stream().map(Object::toString).toList())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    return Kantor.await(process);
  }

  private static String read(Path log) {
    try {
      return Files.readString(log);
    } catch (IOException e) {
      return e.toString();
    }
  }
}
