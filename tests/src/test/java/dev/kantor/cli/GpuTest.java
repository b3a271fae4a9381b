package dev.kantor.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.kantor.nativelib.Native;
import dev.kantor.train.MetricsLog;
import dev.kantor.train.RunFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The command line with a GPU. It is the emulated one, in processes whose native library has it as
 * {@code cuda:0} and {@code cuda:1}.
 */
class GpuTest {
  private static final List<String> SMALL =
      List.of(
          "train",
          "gan",
          "--data",
          "ring",
          "--limit",
          "64",
          "--batch-size",
          "16",
          "--set",
          "generator-hidden=8",
          "--set",
          "critic-hidden=8,8",
          "--set",
          "latent=4");

  @TempDir private Path folder;
  private Path libraries;
  private Map<String, String> withCudnn;
  private Path run;

  @BeforeEach
  void copyTheLibraries() throws IOException {
    Path emulated = Path.of(System.getProperty("kantor.emulated", "libkantor_emulated.so"));
    assumeTrue(
        Files.exists(emulated), "there is no " + emulated + ": the native tests were not built");
    libraries = Files.createDirectory(folder.resolve("libraries"));
    Native.copyLibraries(libraries);
    Files.copy(emulated, libraries.resolve("libkantor.so"), StandardCopyOption.REPLACE_EXISTING);
    Path doubles = emulated.resolveSibling("libraries"); // of cuDNN and cuBLAS
    withCudnn = Map.of("KANTOR_CUDA_LIBRARY_PATH", doubles.toString());
    run = folder.resolve("run");
  }

  @Test
  void theGpuIsTakenWithoutBeingAskedForAndSaysSo() throws Exception {
    String said = kantor(0, Map.of(), small("--iterations", "3"));
    assertTrue(said.contains("takes the GPU, cuda:0 (emulated device 0"), said);
    assertEquals("cuda:0", RunFolder.open(run).manifest().environment().get("device"));
    // What it learned goes on with elsewhere.
    Kantor.run("resume", run, "--device", "cpu", "--epochs", 2).expect(Main.DONE);
    String info = kantor(0, Map.of(), List.of("info", "--device", "cuda:1"));
    assertTrue(info.contains("cuda:1 (emulated device 1, compute capability 9.0"), info);
    assertTrue(info.contains("cuda:0 (emulated device 0), cuda:1 (emulated device 1)"), info);
  }

  @Test
  void aGpuThatGivesUpEndsTheTrainingInOneLineAndTheRunGoesOn() throws Exception {
    String said =
        kantor(
            1,
            Map.of("KANTOR_EMULATED_LAUNCHES", "1500"),
            small("--device", "cuda", "--epochs", "100"));
    String last = said.strip().lines().reduce((_, l) -> l).orElseThrow();
    assertTrue(last.startsWith("kantor: ") && last.contains("the device gave up"), said);
    long saved = Kantor.iteration(Kantor.last(run));
    assertTrue(last.contains("the state of iteration " + saved + " is saved"), last);
    assertTrue(last.endsWith("kantor resume " + run), last);
    long epoch = saved / 4;
    Kantor.run("resume", run, "--device", "cpu", "--epochs", epoch + 2).expect(Main.DONE);
    assertEquals(saved + 8, Kantor.iteration(Kantor.last(run)));
  }

  @Test
  void picturesAreFinishedWhenTheTrainingIs() throws Exception {
    List<String> args = small("--device", "cuda", "--epochs", "3");
    args.set(args.indexOf("ring"), "glyphs");
    kantor(0, Map.of(), args);
    try (Stream<Path> pictures = Files.list(run.resolve("samples"))) {
      assertEquals(
          List.of("epoch-0000.png", "epoch-0001.png", "epoch-0002.png", "epoch-0003.png"),
          pictures.map(p -> p.getFileName().toString()).sorted().toList());
    }
    Path anew = folder.resolve("curves.png");
    Pictures.writeCurves(anew, MetricsLog.read(run), List.of());
    assertEquals(-1, Files.mismatch(anew, run.resolve("curves.png")), "they lack the last epoch");
  }

  @Test
  void aGpuThatGivesUpEndsTheComparisonWhichGoesOnWhereItWas() throws Exception {
    List<String> args = new ArrayList<>(List.of("compare", "gan"));
    args.addAll(
        SMALL.subList(2, SMALL.size()).stream()
            .map(a -> a.equals("--batch-size") ? "--set" : a.equals("16") ? "batch-size=16" : a)
            .toList());
    args.addAll(
        List.of(
            "--epochs",
            "10",
            "--evaluations",
            "1",
            "--evaluate-count",
            "200",
            "--device",
            "cuda",
            "--out",
            run.toString()));
    String said = kantor(1, Map.of("KANTOR_EMULATED_LAUNCHES", "900"), args);
    String last = said.strip().lines().reduce((_, l) -> l).orElseThrow();
    assertTrue(last.startsWith("kantor: ") && last.contains("the device gave up"), said);
    assertTrue(last.contains("are kept"), last);
    String command = "to go on from there: kantor " + String.join(" ", args);
    assertTrue(last.replace("'", "").endsWith(command), last);
    Path first = run.resolve("gan-seed1");
    long saved = Kantor.iteration(Kantor.last(first));
    assertTrue(saved > 0 && saved < 40, said);
    args.set(args.indexOf("cuda"), "cpu");
    Kantor.run(args.toArray()).expect(Main.DONE);
    assertEquals(40, Kantor.iteration(Kantor.last(first)));
  }

  @Test
  void tooLittleMemoryIsSaidInNumbers() throws Exception {
    String said =
        kantor(
            1,
            Map.of("KANTOR_EMULATED_MEMORY", "40000"),
            small("--device", "cuda", "--iterations", "3"));
    assertTrue(said.contains(" are needed, and of the device's "), said);
    // Not even one sample fits.
    assertTrue(said.contains("use a batch or model of at most"), said);
  }

  @Test
  void tooLittleMemoryForABatchNamesOneThatFits() throws Exception {
    Map<String, String> little = Map.of("KANTOR_EMULATED_MEMORY", "400000");
    List<String> args = small("--device", "cuda", "--iterations", "1");
    args.set(args.indexOf("64"), "2048"); // the limit
    int batch = args.indexOf("16");
    args.set(batch, "2048");
    String said = kantor(1, little, args);
    Matcher named =
        Pattern.compile("a batch of (\\d+) would fit where 2048 do not: use --batch-size (\\d+)")
            .matcher(said);
    assertTrue(named.find(), said);
    assertEquals(named.group(1), named.group(2));
    assertTrue(said.contains(" are needed, and of the device's "), said);
    assertFalse(said.contains("at most"), said);
    assertFalse(Files.exists(run));

    int fits = Integer.parseInt(named.group(1));
    args.set(batch, Integer.toString(2 * fits));
    said = kantor(1, little, args);
    assertTrue(said.contains("use --batch-size " + fits + ","), said);
    args.set(batch, Integer.toString(fits));
    kantor(0, little, args);
  }

  @Test
  void aRunKeepsItsBatchWhateverTheMemory() throws Exception {
    List<String> args = small("--device", "cpu", "--epochs", "1");
    args.set(args.indexOf("64"), "2048"); // the limit
    args.set(args.indexOf("16"), "2048");
    Kantor.run(args.toArray()).expect(Main.DONE);
    String said =
        kantor(
            1,
            Map.of("KANTOR_EMULATED_MEMORY", "400000"),
            List.of("resume", run.toString(), "--epochs", "2", "--device", "cuda"));
    assertTrue(said.contains("a run keeps its batch-size: use another device"), said);
    assertFalse(said.contains("at most"), said);
  }

  @Test
  void anEngineIsARunsUntilItIsToldOtherwise() throws Exception {
    List<String> train = small("--set", "engine=cudnn", "--iterations", "3");
    String said = kantor(0, withCudnn, train);
    String device = "cuda:0+cudnn (emulated device 0, compute capability 9.0, cuDNN 9.10.2 and";
    assertTrue(said.contains(device + " cuBLAS 12.9.3, "), said);
    Map<String, String> environment = RunFolder.open(run).manifest().environment();
    assertEquals("cuda:0+cudnn", environment.get("device"));
    assertTrue(environment.get("runs-on").startsWith(device), environment.get("runs-on"));
    assertFalse(RunFolder.open(run).manifest().configuration().containsKey("engine"));

    List<String> resume = new ArrayList<>(List.of("resume", run.toString(), "--epochs", "2"));
    said = kantor(0, withCudnn, resume);
    assertTrue(said.contains(device), said);
    resume.set(3, "3");
    resume.addAll(List.of("--set", "engine=kantor"));
    said = kantor(0, Map.of("KANTOR_CUDA_LIBRARY_PATH", "/nowhere"), resume);
    assertTrue(said.contains("cuda:0 (emulated device 0") && !said.contains("cuDNN"), said);

    String out = folder.resolve("samples.npy").toString();
    kantor(
        0,
        withCudnn,
        List.of(
            "sample",
            run.toString(),
            "--count",
            "4",
            "--out",
            out,
            "--device",
            "cuda",
            "--set",
            "engine=cudnn"));
    assertTrue(Files.exists(Path.of(out)));
  }

  @Test
  void anEngineThatIsNotThereIsNamedWithItsRemedy() throws Exception {
    String said =
        kantor(
            1,
            Map.of("KANTOR_CUDA_LIBRARY_PATH", "/nowhere"),
            small("--set", "engine=cudnn", "--iterations", "3"));
    assertTrue(said.contains("engine=cudnn needs cuBLAS"), said);
    assertTrue(said.contains("nvidia-cudnn-cu1"), said);
    assertFalse(Files.exists(run));
    said = kantor(2, withCudnn, small("--device", "cpu", "--set", "engine=cudnn"));
    assertTrue(said.contains("engine=cudnn needs a GPU, and 'cpu' is none"), said);
    said = kantor(2, withCudnn, small("--set", "engine=cublas"));
    assertTrue(said.contains("there is no engine 'cublas'; there are kantor and cudnn"), said);
    said = kantor(2, withCudnn, List.of("bench", "--set", "batch-size=3", "--device", "cuda"));
    assertTrue(said.contains("'batch-size' cannot be set here; engine is all that can"), said);
    said = kantor(2, withCudnn, List.of("bench", "--set", "engine=cudnn"));
    assertTrue(said.contains("an engine is a GPU's: name one with --device cuda"), said);
  }

  private List<String> small(String... more) {
    List<String> args = new ArrayList<>(SMALL);
    args.addAll(List.of("--out", run.toString()));
    args.addAll(List.of(more));
    return args;
  }

  /** What a process of its own says, having ended as expected. */
  private String kantor(int expected, Map<String, String> environment, List<String> args)
      throws IOException, InterruptedException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-XX:TieredStopAtLevel=1",
                "-D" + Native.LIBRARY_PATH + "=" + libraries,
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName()));
    command.addAll(args);
    Path log = folder.resolve("log");
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().putAll(environment);
    Process process = builder.redirectOutput(log.toFile()).start();
    int status = Kantor.await(process);
    String said = Files.readString(log);
    assertEquals(expected, status, said);
    return said;
  }
}
