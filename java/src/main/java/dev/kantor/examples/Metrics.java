package dev.kantor.examples;

import dev.kantor.data.DataSets;
import dev.kantor.data.ImageSet;
import dev.kantor.data.PointSet;
import dev.kantor.gan.Samples;
import dev.kantor.metrics.Evaluation;
import dev.kantor.metrics.Evaluator;
import dev.kantor.metrics.Judge;
import dev.kantor.metrics.JudgeDesign;
import dev.kantor.metrics.Measure;
import dev.kantor.metrics.ModeCoverage;
import dev.kantor.tensor.Device;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.Random;

/**
 * The metrics of {@code kantor evaluate} on images from anywhere: held-out digits are as good as
 * their set, half of the classes are half as diverse, and noise is nothing. For points of the plane
 * the modes are known.
 */
public final class Metrics {
  private static final int IMAGES = 3000;
  private static final int EPOCHS = 4;

  private Metrics() {}

  public static void main(String[] args) throws IOException {
    run(System.out, Files.createTempDirectory("judges"));
  }

  /**
   * Prints a line of measures for each of three sources of images, and one for points.
   *
   * @param judges the folder in which the trained judge is kept
   */
  public static void run(PrintStream out, Path judges) throws IOException {
    ImageSet digits =
        (ImageSet) DataSets.open("glyphs", DataSets.Options.defaults().withCount(IMAGES));
    ImageSet held = digits.test().orElseThrow();
    Samples real = new Samples(digits.images(), digits.labels(), digits.count(), digits.classes());
    JudgeDesign design =
        new JudgeDesign(
            digits.channels(), digits.height(), digits.width(), digits.classes(), EPOCHS, 1);
    try (Device device = Device.open("cpu", 0);
        Evaluator evaluator =
            new Evaluator(
                Judge.of(
                    design,
                    device,
                    digits.name(),
                    digits.fingerprint(),
                    real,
                    judges,
                    out::println),
                real,
                IMAGES,
                1)) {
      print(out, "held out", evaluator.evaluate(held.images(), Optional.empty()));
      print(out, "half", evaluator.evaluate(lowerHalf(held), Optional.empty()));
      byte[] noise = new byte[(int) held.images().byteSize()];
      new Random(1).nextBytes(noise);
      print(out, "noise", evaluator.evaluate(MemorySegment.ofArray(noise), Optional.empty()));
    }
    PointSet ring = (PointSet) DataSets.open("ring", DataSets.Options.defaults().withCount(500));
    ModeCoverage coverage = ModeCoverage.of(ring.toFloats(), ring);
    out.printf(
        Locale.ROOT,
        "ring: %d of %d modes, high quality %.3f%n",
        coverage.covered(),
        coverage.modes(),
        coverage.highQuality());
  }

  private static void print(PrintStream out, String what, Evaluation evaluation) {
    out.print(what + ":");
    for (String name : new String[] {"classes-covered", "fd-judge", "precision", "recall"}) {
      Measure measure = evaluation.measure(name);
      out.printf(Locale.ROOT, " %s %.3f", name, measure.value());
    }
    out.println();
  }

  /** The images of the lower half of the classes. */
  private static MemorySegment lowerHalf(ImageSet set) {
    int bytes = set.imageBytes();
    byte[] images = new byte[set.count() * bytes];
    int n = 0;
    for (int i = 0; i < set.count(); i++) {
      if (set.label(i) < set.classes() / 2) {
        MemorySegment.copy(set.image(i), ValueLayout.JAVA_BYTE, 0, images, n++ * bytes, bytes);
      }
    }
    return MemorySegment.ofArray(images).asSlice(0, (long) n * bytes);
  }
}
