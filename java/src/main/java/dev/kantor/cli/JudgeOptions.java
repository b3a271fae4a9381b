package dev.kantor.cli;

import dev.kantor.gan.Samples;
import dev.kantor.metrics.Evaluator;
import dev.kantor.metrics.Judge;
import dev.kantor.metrics.JudgeDesign;
import dev.kantor.metrics.ModeCounter;
import dev.kantor.metrics.Yardstick;
import dev.kantor.tensor.Device;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
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
  private Path folder = Path.of(System.getProperty("user.home"), ".cache", "kantor", "judges");

  @Option(
      names = "--judge-epochs",
      paramLabel = "N",
      description = "Train the judge for N epochs. Default: ${DEFAULT-VALUE}.",
      defaultValue = "" + JudgeDesign.DEFAULT_EPOCHS)
  private int epochs;

  /**
   * What measures samples of a data set, images or points.
   *
   * @param count training images to compare with
   * @param seed of the intervals
   * @param err is told if a judge is to be trained first, and how that goes
   * @throws IllegalArgumentException if nothing can measure them; says what to do
   */
  Yardstick yardstick(Device on, Images images, int count, long seed, PrintWriter err)
      throws IOException {
    return images.form() instanceof Form.Plane plane
        ? new ModeCounter(plane.target())
        : evaluator(on, images, count, seed, err);
  }

  /** The same for images. */
  Evaluator evaluator(Device on, Images images, int count, long seed, PrintWriter err)
      throws IOException {
    Judge judge = judge(on, images, err);
    try {
      return new Evaluator(judge, images.samples(), count, seed);
    } catch (RuntimeException e) {
      judge.close();
      throw e;
    }
  }

  private Judge judge(Device on, Images images, PrintWriter err) throws IOException {
    if (epochs < 1) {
      throw new ParameterException(
          spec.commandLine(), "--judge-epochs is " + epochs + "; expected at least 1");
    }
    Samples samples = images.samples();
    if (samples.classes() == 0) {
      throw new IllegalArgumentException(
          images.name()
              + " has no labels for a judge to learn from; name a set that has with --data: mnist,"
              + " fashion-mnist, glyphs, or a folder with a sub-folder for each class");
    }
    JudgeDesign design =
        new JudgeDesign(
            images.size().channels(),
            images.size().height(),
            images.size().width(),
            Math.toIntExact(samples.classes()),
            epochs,
            JudgeDesign.DEFAULT_SEED);
    return Judge.of(design, on, images.name(), images.fingerprint(), samples, folder, err::println);
  }
}
