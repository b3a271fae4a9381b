package dev.kantor.cli;

import dev.kantor.gan.Samples;
import dev.kantor.metrics.Evaluator;
import dev.kantor.metrics.Judge;
import dev.kantor.metrics.JudgeDesign;
import dev.kantor.metrics.ModeCounter;
import dev.kantor.metrics.StackedModes;
import dev.kantor.metrics.Yardstick;
import dev.kantor.tensor.Device;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * How samples are evaluated.
 *
 * @param folder where judges are kept
 * @param epochs that a judge is trained for
 */
record Judging(Path folder, int epochs) {
  private static final Path DEFAULT_FOLDER =
      Path.of(System.getProperty("user.home"), ".cache", "kantor", "judges");
  private static final String FOLDER = "judges";
  private static final String EPOCHS = "judge-epochs";

  Judging {
    Objects.requireNonNull(folder, "folder");
    if (epochs < 1) {
      throw new IllegalArgumentException("--judge-epochs is " + epochs + "; expected at least 1");
    }
  }

  /**
   * As values say; the defaults where they do not.
   *
   * @throws IllegalArgumentException if one makes no sense
   */
  static Judging of(Map<String, String> values) {
    String folder = values.get(FOLDER);
    String epochs = values.get(EPOCHS);
    try {
      return new Judging(
          folder == null ? DEFAULT_FOLDER : Path.of(folder),
          epochs == null ? JudgeDesign.DEFAULT_EPOCHS : Integer.parseInt(epochs));
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          EPOCHS + " is '" + epochs + "'; expected a whole number", e);
    }
  }

  /** What {@link #of} makes this of again, from wherever: for a run's environment. */
  Map<String, String> values() {
    Map<String, String> values = new LinkedHashMap<>();
    if (!folder.equals(DEFAULT_FOLDER)) {
      values.put(FOLDER, folder.toAbsolutePath().normalize().toString());
    }
    values.put(EPOCHS, Integer.toString(epochs));
    return values;
  }

  /**
   * What measures samples of a data set, images or points.
   *
   * @param count training images to compare with
   * @param err is told if a judge is to be trained first, and how that goes
   * @throws IllegalArgumentException if nothing can measure them; says what to do
   */
  Yardstick yardstick(Device on, Images images, int count, PrintWriter err) throws IOException {
    return yardstick(on, images, count, JudgeDesign.DEFAULT_SEED, err);
  }

  /**
   * The same with another seed of the intervals.
   *
   * @throws IllegalArgumentException if nothing can measure them; says what to do
   */
  Yardstick yardstick(Device on, Images images, int count, long seed, PrintWriter err)
      throws IOException {
    if (images.form() instanceof Form.Plane plane) {
      return new ModeCounter(plane.target());
    }
    if (images.isStacked()) {
      int references = Math.min(count, StackedModes.DIGITS);
      return new StackedModes(evaluator(on, images.digits(), references, seed, err), seed);
    }
    return evaluator(on, images, count, seed, err);
  }

  private Evaluator evaluator(Device on, Images images, int count, long seed, PrintWriter err)
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
    Samples samples = images.samples();
    if (samples.classes() == 0) {
      throw new IllegalArgumentException(
          images.name()
              + " has no labels for a judge to learn from; name a set that has with --data: mnist,"
              + " fashion-mnist, glyphs, or a folder with a sub-folder for each class");
    }
    return Judge.of(
        design(images), on, images.name(), images.fingerprint(), samples, folder, err::println);
  }

  private JudgeDesign design(Images images) {
    return new JudgeDesign(
        images.size().channels(),
        images.size().height(),
        images.size().width(),
        Math.toIntExact(images.samples().classes()),
        epochs,
        JudgeDesign.DEFAULT_SEED);
  }

  /** Whether a yardstick needs no training of a judge first. */
  boolean isReady(Images images) throws IOException {
    if (images.form() instanceof Form.Plane) {
      return true;
    }
    Images judged = images.isStacked() ? images.digits() : images;
    return judged.samples().classes() > 0
        && Judge.isThere(
            design(judged), judged.name(), judged.fingerprint(), judged.samples(), folder);
  }
}
