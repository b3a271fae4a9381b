package dev.kantor.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.kantor.data.DataSets;
import dev.kantor.data.ImageSet;
import dev.kantor.gan.Samples;
import dev.kantor.tensor.Device;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What classifiers learn from images that are put in the place of a generator's. */
class GanAccuracyTest {
  private static final int IMAGES = 1500;

  @TempDir private static Path folder;

  private static Device device;
  private static Judge judge;
  private static ImageSet set;
  private static GanAccuracy accuracy;
  private static int[] labels;

  @BeforeAll
  static void train() throws IOException {
    set = (ImageSet) DataSets.open("glyphs", DataSets.Options.defaults().withCount(IMAGES));
    device = Device.open("cpu", 0);
    JudgeDesign design = new JudgeDesign(1, 28, 28, 10, 4, 1);
    judge = Judge.of(design, device, set.name(), set.fingerprint(), samples(set), folder, m -> {});
    accuracy = new GanAccuracy(judge, device, samples(set), samples(set.test().orElseThrow()));
    labels = set.labels().orElseThrow().toArray(ValueLayout.JAVA_INT);
  }

  @AfterAll
  static void close() {
    judge.close();
    device.close();
  }

  private static Samples samples(ImageSet s) {
    return new Samples(s.images(), s.labels(), s.count(), s.classes());
  }

  private static GanAccuracy.Both of(MemorySegment images, Optional<int[]> requested) {
    Evaluation nothing = new Evaluation(1, new ClassHistogram(new long[10]), 1, List.of());
    return accuracy.of(nothing, images, requested, nothing);
  }

  private static double value(Evaluation e, String name) {
    return e.measure(name).value();
  }

  @Test
  void realImagesTeachAsMuchAsThemselves() {
    GanAccuracy.Both both = of(set.images(), Optional.of(labels));
    // The samples are the training images: all the same, the intervals too.
    assertEquals(both.real().measure("gan-train"), both.samples().measure("gan-train"));
    double train = value(both.real(), "gan-train");
    assertTrue(train > 0.9, "gan-train " + train);
    assertTrue(value(both.samples(), "gan-test") > 0.95);
    assertTrue(value(both.real(), "gan-test") > 0.9);
  }

  @Test
  void whatIsDrawnForAnotherClassTeachesNothing() {
    int[] wrong = Arrays.stream(labels).map(c -> (c + 1) % 10).toArray();
    GanAccuracy.Both both = of(set.images(), Optional.of(wrong));
    assertTrue(value(both.samples(), "gan-train") < 0.1);
    assertTrue(value(both.samples(), "gan-test") < 0.1);
    // Of two classes alone nothing is learnt of the other eight.
    int[] few = Arrays.stream(labels).map(c -> c < 2 ? c : 10).toArray();
    Measure two = of(set.images(), Optional.of(few)).samples().measure("gan-train");
    assertTrue(two.value() > 0.1 && two.value() < 0.35, two.toString());
    assertTrue(two.interval().orElseThrow().low() < two.value(), two.toString());
  }

  @Test
  void withoutClassesTheJudgesCount() {
    GanAccuracy.Both both = of(set.images(), Optional.empty());
    assertTrue(value(both.samples(), "gan-train-judged") > 0.9);
    assertTrue(both.samples().find("gan-test").isEmpty());
    byte[] noise = new byte[200 * 784];
    new Random(1).nextBytes(noise);
    double ofNoise =
        value(of(MemorySegment.ofArray(noise), Optional.empty()).samples(), "gan-train-judged");
    assertTrue(Double.isNaN(ofNoise), "the judge takes noise for a class");
  }

  @Test
  void otherLabelsAreRefused() {
    Samples unlabelled = Samples.of(set.images(), set.count());
    assertThrows(
        IllegalArgumentException.class,
        () -> new GanAccuracy(judge, device, samples(set), unlabelled));
  }
}
