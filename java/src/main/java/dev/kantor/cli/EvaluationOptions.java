package dev.kantor.cli;

import dev.kantor.metrics.JudgeDesign;
import dev.kantor.train.Schedule;
import java.util.Map;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Options of the commands that train, about evaluations on the way. */
final class EvaluationOptions {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--evaluate-every",
      paramLabel = "N",
      description = {
        "Evaluate samples every N iterations and at the end, as kantor evaluate does, into",
        "RUN/evaluations.jsonl, and keep the best checkpoint. Changes no bit of the training.",
        "0: never. Default: 0, or what the run has."
      })
  private Long every;

  @Option(
      names = "--evaluate-count",
      paramLabel = "N",
      description =
          "Samples in an evaluation, beside as many training images. Default: "
              + Schedule.DEFAULT_EVALUATE_COUNT
              + ".")
  private Integer count;

  @Mixin private JudgeOptions judges;

  /**
   * A schedule with the evaluations that were asked for.
   *
   * @param otherwise has what was not
   */
  Schedule schedule(Schedule otherwise) {
    try {
      Schedule s =
          otherwise.withEvaluations(
              every != null ? every : otherwise.evaluateEvery(),
              count != null ? count : otherwise.evaluateCount());
      if (s.evaluateCount() <= JudgeDesign.FEATURES) {
        throw new IllegalArgumentException(
            "evaluate-count is "
                + s.evaluateCount()
                + "; a distance needs more than "
                + JudgeDesign.FEATURES
                + " samples");
      }
      return s;
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
  }

  /** See {@link JudgeOptions#judging}. */
  Judging judging(Map<String, String> otherwise) {
    return judges.judging(otherwise);
  }
}
