package dev.kantor.cli;

import dev.kantor.gan.Settings;
import dev.kantor.metrics.Yardstick;
import dev.kantor.tensor.Device;
import dev.kantor.train.Goal;
import dev.kantor.train.Manifest;
import dev.kantor.train.RunFolder;
import dev.kantor.train.Schedule;
import dev.kantor.watch.WatchServer;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.LinkedHashMap;
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

  @Mixin private EvaluationOptions evaluation;

  @Mixin private BroadcastOptions broadcast;

  @Option(
      names = "--data-dir",
      paramLabel = "DIR",
      description = "Where the data sets are now, if they were moved.")
  private Path dataDir;

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description =
          "engine=cudnn or engine=kantor; others are refused, unless they change nothing: a run"
              + " keeps its settings.")
  private Map<String, String> set = new LinkedHashMap<>();

  @Override
  public Integer call() throws IOException {
    PrintWriter err = spec.commandLine().getErr();
    RunFolder folder = RunFolder.open(run);
    try (FileChannel _ = folder.lock();
        WatchServer _ = broadcast.page(run)) {
      Manifest manifest = folder.manifest();
      Settings settings = Session.settings(manifest);
      Session.requireSame(settings.values(), changed(settings).values());
      if (epochs != null) {
        manifest = manifest.with(goal());
      }
      Schedule schedule = evaluation.schedule(manifest.schedule());
      Judging judging = evaluation.judging(manifest.environment());
      manifest = manifest.with(schedule, schedule.evaluates() ? judging.values() : Map.of());
      try (Device on =
          device.open(manifest.environment().get("device"), null, set.get(DeviceOptions.ENGINE))) {
        Images images = Images.of(manifest, dataDir);
        err.println(TrainCommand.firstLine(on, images));
        try (Session session = Room.session(on, manifest, images);
            Yardstick yardstick = session.yardstick(schedule, judging, err)) {
          int status = session.resume(folder, manifest, yardstick, broadcast, err);
          if (status == Main.DONE) {
            spec.commandLine().getOut().println(folder.path());
          }
          return status;
        }
      }
    }
  }

  private Settings changed(Settings settings) {
    try {
      return settings.with(DeviceOptions.settings(set));
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
}
