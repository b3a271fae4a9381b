package dev.kantor.cli;

import dev.kantor.metrics.JudgeDesign;
import java.nio.file.Path;
import java.util.Map;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** By which judge samples are evaluated. */
final class JudgeOptions {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--judges",
      paramLabel = "DIR",
      description = "Where judges are kept. Default: ~/.cache/kantor/judges.")
  private Path folder;

  @Option(
      names = "--judge-epochs",
      paramLabel = "N",
      description = "Train the judge for N epochs. Default: " + JudgeDesign.DEFAULT_EPOCHS + ".")
  private Integer epochs;

  /**
   * What was asked for.
   *
   * @param otherwise what holds for what was not: a run's environment, or the options of a
   *     configuration file; where it has nothing either, the defaults do
   */
  Judging judging(Map<String, String> otherwise) {
    Judging j = Judging.of(otherwise);
    try {
      return new Judging(
          folder != null ? folder : j.folder(), epochs != null ? epochs : j.epochs());
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
  }
}
