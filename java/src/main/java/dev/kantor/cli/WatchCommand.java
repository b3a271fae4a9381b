package dev.kantor.cli;

import dev.kantor.train.RunFolder;
import dev.kantor.watch.WatchServer;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
    name = "watch",
    description =
        "Shows a run on a live page: curves, samples, settings. For the browser of this machine.",
    sortOptions = false,
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "The run may be training, in whatever process, or have ended; it is read and never"
          + " disturbed.",
      "Ctrl-C ends the page. From another machine: ssh -L 8080:127.0.0.1:PORT that-machine.",
      "",
      "Examples:",
      "  kantor watch runs/first",
      "  kantor watch runs/first --port 8080"
    })
final class WatchCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(paramLabel = "RUN", description = "The folder of a run.")
  private Path run;

  @Option(
      names = "--port",
      paramLabel = "N",
      description = "Where to listen. Default: a free port.")
  private int port;

  @Override
  public Integer call() throws IOException, InterruptedException {
    PrintWriter err = spec.commandLine().getErr();
    RunFolder folder = RunFolder.open(run);
    folder.manifest();
    CountDownLatch interrupted = new CountDownLatch(1);
    try (WatchServer _ = serve(folder, port, spec);
        Interruption _ = new Interruption(interrupted::countDown)) {
      err.println("Ctrl-C ends it");
      interrupted.await();
    }
    return Main.DONE;
  }

  /** Starts the page of a run for a command, and says where it is. */
  static WatchServer serve(RunFolder run, int port, CommandSpec spec) throws IOException {
    WatchServer server;
    try {
      server = WatchServer.start(run, port);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
    spec.commandLine().getErr().println("live page: " + server.address());
    return server;
  }
}
