package dev.kantor.cli;

import dev.kantor.gan.Model;
import dev.kantor.graph.Slot;
import dev.kantor.graph.State;
import dev.kantor.tensor.Device;
import dev.kantor.train.Manifest;
import dev.kantor.train.RunFolder;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import picocli.CommandLine.ArgGroup;
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
      "Examples:",
      "  kantor sample runs/first --count 100 --out digits.png",
      "  kantor sample runs/cvae --class 7 --count 64 --out sevens.png",
      "  kantor sample runs/cvae --all-classes --out classes.png",
      "  kantor sample runs/first --interpolate --out between.apng"
    })
final class SampleCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(paramLabel = "RUN", description = "The folder of a run.")
  private Path run;

  @Option(
      names = "--count",
      paramLabel = "N",
      description = {
        "How many samples; with --all-classes: of each class (default: 10), with --interpolate:"
            + " steps (default: 10, or 30 for",
        "an animation), with --reconstruct: images (default: 50)."
      })
  private Long count;

  @Option(
      names = "--out",
      paramLabel = "FILE",
      required = true,
      description = "FILE.png, FILE.idx, FILE.npy or a folder; FILE.apng with --interpolate.")
  private Path out;

  @Option(
      names = "--class",
      paramLabel = "K",
      description = "Draw class K only; for variants that learn classes.")
  private Integer label;

  @ArgGroup private Drawing.Kind kind = new Drawing.Kind();

  @Option(names = "--seed", paramLabel = "S", description = "Of the noise. Default: the run's.")
  private Long seed;

  @Mixin private CheckpointOption checkpoint;

  @Mixin private DeviceOptions device;

  @Mixin private EngineOption engine;

  @Override
  public Integer call() throws IOException {
    RunFolder folder = RunFolder.open(run);
    Manifest manifest = folder.manifest();
    Form form = Form.of(manifest);
    Model model = Model.of(Session.settings(manifest), form.shape());
    long theSeed = seed != null ? seed : Long.parseLong(manifest.value("seed"));
    Drawing drawing;
    try {
      drawing = kind.of(model, count, label, out, theSeed);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
    try (Device on = device.open(null, null, engine.engine());
        State state = new State(on);
        Arena arena = Arena.ofConfined()) {
      List<Slot> slots = drawing.slots();
      slots.forEach(state::add);
      // The checkpoint is read and verified while the program is compiled: neither needs the other.
      FutureTask<Void> loading =
          new FutureTask<>(
              () -> {
                checkpoint.load(folder, state, slots);
                return null;
              });
      Thread reader = Thread.ofPlatform().daemon().name("checkpoint").start(loading);
      try (Drawing.Open open = drawing.open(state, form, () -> Images.of(manifest, null))) {
        await(loading);
        Drawing.Result drawn = open.draw(arena);
        drawn.write(out, form, arena);
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
}
