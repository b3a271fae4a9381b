package dev.kantor.cli;

import dev.kantor.gan.Settings;
import dev.kantor.graph.State;
import dev.kantor.tensor.Device;
import dev.kantor.train.Checkpoint;
import dev.kantor.train.Goal;
import dev.kantor.train.Manifest;
import dev.kantor.train.RunFolder;
import dev.kantor.watch.WatchServer;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
    name = "resume",
    description = "Continues a run from its latest checkpoint, as if it had never stopped.",
    sortOptions = false,
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "On the same device and instruction set the numbers are, bit for bit, those of a run that was"
          + " not interrupted.",
      "Another device or number of threads is allowed. What decides the numbers (settings, data,"
          + " seed) must not",
      "change.",
      "",
      "Examples:",
      "  kantor resume runs/first",
      "  kantor resume runs/first --epochs 200"
    })
final class ResumeCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(paramLabel = "RUN", description = "The folder of a run.")
  private Path run;

  @Option(
      names = "--epochs",
      paramLabel = "N",
      description = "The new goal, counted from the run's very beginning.")
  private Long epochs;

  @Mixin private DeviceOptions device;

  @Mixin private BroadcastOptions broadcast;

  @Option(
      names = "--data-dir",
      paramLabel = "DIR",
      description = "Where the data sets are now, if they were moved.")
  private Path dataDir;

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "Refused, unless it changes nothing: a run keeps its settings.")
  private Map<String, String> set = new LinkedHashMap<>();

  @Override
  public Integer call() throws IOException {
    PrintWriter err = spec.commandLine().getErr();
    RunFolder folder = RunFolder.open(run);
    try (FileChannel _ = folder.lock();
        WatchServer _ = broadcast.page(run)) {
      Manifest manifest = folder.manifest();
      Settings settings = Session.settings(manifest);
      requireSame(settings.values(), changed(settings).values());
      if (epochs != null) {
        manifest = manifest.with(goal());
      }
      Map<String, String> environment = manifest.environment();
      try (Device on = device.open(environment.get("device"), null)) {
        Images images = Images.of(manifest, dataDir);
        err.println(TrainCommand.firstLine(on, images));
        long seed = Long.parseLong(manifest.value("seed"));
        requireSame(
            manifest.configuration(),
            Session.configuration(settings, images, seed, manifest.value("precision")));
        try (Session session = new Session(on, settings, images, seed)) {
          return train(folder, manifest, session, err);
        }
      }
    }
  }

  private int train(RunFolder folder, Manifest manifest, Session session, PrintWriter err)
      throws IOException {
    State state = session.state();
    Checkpoint from =
        folder
            .loadLatest(
                file -> Checkpoint.load(file, state, Checkpoint.slots(state)),
                damage ->
                    err.println("kantor: " + damage + "; going back to the checkpoint before it"))
            .orElse(null);
    if (from == null) {
      err.println("there is no checkpoint yet; starts from the beginning");
    } else {
      requireSame(from.configuration(), manifest.configuration());
      err.println("continues after iteration " + from.iteration());
    }
    long at = from == null ? 0 : from.iteration();
    folder.discardAfter(at);
    if (at >= manifest.goal().iterations(session.job().iterationsPerEpoch())) {
      err.println(
          "the run has reached its goal of "
              + manifest.goal()
              + "; give a larger one with --epochs");
      return Main.DONE;
    }
    if (epochs != null) {
      folder.write(manifest);
    }
    int status = session.train(folder, manifest, from, broadcast, err);
    if (status == Main.DONE) {
      spec.commandLine().getOut().println(folder.path());
    }
    return status;
  }

  private Settings changed(Settings settings) {
    try {
      return settings.with(set);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
  }

  private Goal goal() {
    try {
      return new Goal(Goal.Unit.EPOCHS, epochs);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
  }

  private static void requireSame(Map<String, String> before, Map<String, String> now) {
    List<String> differences = Manifest.differences(before, now);
    if (!differences.isEmpty()) {
      throw new IllegalArgumentException(
          "this is no longer the same run: "
              + String.join("; ", differences)
              + "; for another configuration start a new run with kantor train");
    }
  }
}
