package dev.kantor.cli;

import dev.kantor.train.EventLog;
import dev.kantor.train.RunFolder;
import dev.kantor.watch.WatchServer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Spec.Target;

/** Options of the commands that train, about who else is shown how it goes. */
final class BroadcastOptions {
  @Spec(Target.MIXEE)
  private CommandSpec spec;

  @ArgGroup(exclusive = false)
  private Page page;

  /** The live page. */
  private static final class Page {
    @Option(
        names = "--watch",
        required = true,
        description = "Show the training on a live page, as kantor watch does.")
    private boolean watch;

    @Option(
        names = "--port",
        paramLabel = "N",
        description = "Where the live page listens. Default: a free port.")
    private int port;
  }

  @Option(
      names = "--tensorboard",
      description = "Write event files for TensorBoard too, into RUN/tensorboard.")
  private boolean tensorboard;

  /**
   * Starts the live page if it was asked for, before there is anything to see.
   *
   * @param run the folder of the run, which need not exist yet
   * @return null if it was not
   */
  WatchServer page(Path run) throws IOException {
    return page == null ? null : WatchCommand.serve(new RunFolder(run), page.port, spec);
  }

  /**
   * Begins an event file if it was asked for, see {@link EventLog#EventLog}.
   *
   * @return null if it was not
   */
  EventLog events(RunFolder run, List<String> metrics, long iteration) throws IOException {
    return tensorboard ? new EventLog(run, metrics, iteration) : null;
  }
}
