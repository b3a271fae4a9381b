package dev.kantor.cli;

import dev.kantor.graph.Slot;
import dev.kantor.graph.State;
import dev.kantor.train.Checkpoint;
import dev.kantor.train.Evaluated;
import dev.kantor.train.EvaluationLog;
import dev.kantor.train.RunFolder;
import java.io.IOException;
import java.util.List;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Which of a run's checkpoints. */
final class CheckpointOption {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--checkpoint",
      paramLabel = "STEP",
      defaultValue = "last",
      description = {
        "last, best (the lowest distance of a run trained with --evaluate-every), or the number of",
        "an iteration. Default: last."
      })
  private String checkpoint;

  /**
   * Fills slots from the checkpoint asked for.
   *
   * @throws IOException if there is none yet, or none that is whole
   */
  Checkpoint load(RunFolder folder, State state, List<Slot> slots) throws IOException {
    switch (checkpoint) {
      case "last":
        return folder
            .loadLatest(
                file -> Checkpoint.load(file, state, slots),
                damage ->
                    spec.commandLine()
                        .getErr()
                        .println("kantor: " + damage + "; taking the checkpoint before it"))
            .orElseThrow(
                () ->
                    new IOException(
                        folder.path()
                            + " has no checkpoint yet; it gets one at the end of its first epoch,"
                            + " or on Ctrl-C"));
      case "best":
        long best =
            Evaluated.best(EvaluationLog.read(folder.path()))
                .orElseThrow(
                    () ->
                        new IllegalArgumentException(
                            "no checkpoint of "
                                + folder.path()
                                + " was evaluated, so none is the best; use --checkpoint last or"
                                + " an iteration's number, or train with --evaluate-every"))
                .iteration();
        return load(folder, best, state, slots);
      default:
        if (!checkpoint.matches("\\d{1,18}")) {
          throw new ParameterException(
              spec.commandLine(),
              "--checkpoint is '"
                  + checkpoint
                  + "'; expected last, best or the number of an iteration");
        }
        return load(folder, Long.parseLong(checkpoint), state, slots);
    }
  }

  private static Checkpoint load(RunFolder folder, long iteration, State state, List<Slot> slots)
      throws IOException {
    List<Long> there = folder.iterations();
    if (!there.contains(iteration)) {
      throw new IllegalArgumentException(
          folder.path() + " has no checkpoint of iteration " + iteration + "; there are " + there);
    }
    return Checkpoint.load(folder.checkpoint(iteration), state, slots);
  }
}
