package dev.kantor.cli;

import dev.kantor.cli.Pictures.Size;
import dev.kantor.gan.Design;
import dev.kantor.gan.Sampler;
import dev.kantor.graph.Slot;
import dev.kantor.graph.State;
import dev.kantor.io.ElementType;
import dev.kantor.io.Idx;
import dev.kantor.io.Npy;
import dev.kantor.io.Png;
import dev.kantor.tensor.Device;
import dev.kantor.train.Checkpoint;
import dev.kantor.train.Manifest;
import dev.kantor.train.RunFolder;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
    name = "sample",
    description = "Draws samples from a run's generator.",
    sortOptions = false,
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "The form follows from the name: FILE.png a grid, FILE.idx unsigned bytes N x height x width,"
          + " FILE.npy float32",
      "N x channels x height x width in [-1, 1], anything else a folder with a PNG for each.",
      "",
      "Example:",
      "  kantor sample runs/first --count 100 --out digits.png"
    })
final class SampleCommand implements Callable<Integer> {
  /** Larger batches gain nothing and cost memory. */
  private static final long BATCH = 100;

  @Spec private CommandSpec spec;

  @Parameters(paramLabel = "RUN", description = "The folder of a run.")
  private Path run;

  @Option(names = "--count", paramLabel = "N", required = true, description = "How many.")
  private long count;

  @Option(
      names = "--out",
      paramLabel = "FILE",
      required = true,
      description = "FILE.png, FILE.idx, FILE.npy or a folder.")
  private Path out;

  @Option(
      names = "--class",
      paramLabel = "K",
      description = "Draw class K; for variants that learn classes.")
  private Integer label;

  @Option(names = "--seed", paramLabel = "S", description = "Of the noise. Default: the run's.")
  private Long seed;

  @Option(
      names = "--checkpoint",
      paramLabel = "STEP",
      defaultValue = "last",
      description = "last, best, or the number of an iteration. Default: last.")
  private String checkpoint;

  @Mixin private DeviceOptions device;

  @Override
  public Integer call() throws IOException {
    if (count < 1) {
      throw new ParameterException(
          spec.commandLine(), "--count is " + count + "; expected at least 1");
    }
    RunFolder folder = RunFolder.open(run);
    Manifest manifest = folder.manifest();
    if (label != null) {
      throw new IllegalArgumentException(
          manifest.value("variant")
              + " has not learnt classes, so it cannot draw class "
              + label
              + "; leave --class out");
    }
    Size size = Size.parse(manifest.value("image"));
    Design design =
        Design.of(Session.settings(manifest), size.channels(), size.height(), size.width());
    long theSeed = seed != null ? seed : Long.parseLong(manifest.value("seed"));
    try (Device on = device.open(null, null);
        State state = new State(on);
        Arena arena = Arena.ofConfined()) {
      List<Slot> slots = Sampler.slots(design);
      slots.forEach(state::add);
      // The checkpoint is read and verified while the program is compiled: neither needs the other.
      FutureTask<Void> loading =
          new FutureTask<>(
              () -> {
                load(folder, state, slots);
                return null;
              });
      Thread reader = Thread.ofPlatform().daemon().name("checkpoint").start(loading);
      try (Sampler sampler = new Sampler(design, state, Math.min(count, BATCH), theSeed)) {
        await(loading);
        write(Pictures.draw(sampler, size, count, arena), size, arena);
      } finally {
        joinQuietly(reader);
      }
    }
    spec.commandLine().getOut().println(out);
    return Main.DONE;
  }

  private static void await(FutureTask<Void> loading) throws IOException {
    try {
      loading.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof IOException io) {
        throw io;
      }
      throw e.getCause() instanceof RuntimeException r
          ? r
          : new IllegalStateException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while reading the checkpoint", e);
    }
  }

  /** Waits until nobody uses the state any more, so that it can be closed. */
  private static void joinQuietly(Thread reader) {
    try {
      reader.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void load(RunFolder folder, State state, List<Slot> slots) throws IOException {
    switch (checkpoint) {
      case "last" ->
          folder
              .loadLatest(
                  file -> Checkpoint.load(file, state, slots),
                  damage ->
                      spec.commandLine()
                          .getErr()
                          .println("kantor: " + damage + "; taking the checkpoint before it"))
              .orElseThrow(
                  () ->
                      new IOException(
                          run
                              + " has no checkpoint yet; it gets one at the end of its first epoch,"
                              + " or on Ctrl-C"));
      case "best" ->
          throw new IllegalArgumentException(
              "no checkpoint of "
                  + run
                  + " was evaluated, so none is the best; use --checkpoint last or an iteration's"
                  + " number");
      default -> {
        List<Long> there = folder.iterations();
        if (!checkpoint.matches("\\d{1,18}")) {
          throw new ParameterException(
              spec.commandLine(),
              "--checkpoint is '"
                  + checkpoint
                  + "'; expected last, best or the number of an iteration");
        }
        if (!there.contains(Long.parseLong(checkpoint))) {
          throw new IllegalArgumentException(
              run + " has no checkpoint of iteration " + checkpoint + "; there are " + there);
        }
        Checkpoint.load(folder.checkpoint(Long.parseLong(checkpoint)), state, slots);
      }
    }
  }

  private void write(MemorySegment samples, Size size, Arena arena) throws IOException {
    String name = out.toString().toLowerCase(Locale.ROOT);
    if (name.endsWith(".npy")) {
      Npy.write(out, ElementType.F32, samples, count, size.channels(), size.height(), size.width());
      return;
    }
    MemorySegment bytes = Pictures.toBytes(samples, arena);
    if (name.endsWith(".png")) {
      Pictures.writeGrid(out, bytes, size, 1);
    } else if (name.endsWith(".idx") && size.channels() == 1) {
      Idx.write(out, bytes, count, size.height(), size.width());
    } else if (name.endsWith(".idx")) {
      Idx.write(out, bytes, count, size.channels(), size.height(), size.width());
    } else {
      writeFolder(bytes, size);
    }
  }

  private void writeFolder(MemorySegment bytes, Size size) throws IOException {
    if (Files.exists(out) && !Files.isDirectory(out)) {
      throw new IOException(
          out + " is a file; give a folder, or a name that ends in .png, .idx or .npy");
    }
    Files.createDirectories(out);
    int pixels = size.height() * size.width();
    for (long i = 0; i < count; i++) {
      byte[] interleaved = new byte[size.numbers()];
      for (int p = 0; p < pixels; p++) {
        for (int c = 0; c < size.channels(); c++) {
          interleaved[p * size.channels() + c] =
              bytes.get(ValueLayout.JAVA_BYTE, i * size.numbers() + (long) c * pixels + p);
        }
      }
      Png.write(
          out.resolve(String.format(Locale.ROOT, "%06d.png", i)),
          interleaved,
          size.width(),
          size.height(),
          size.channels());
    }
  }
}
