package dev.kantor.metrics;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.kantor.data.DataSets;
import dev.kantor.data.ImageSet;
import dev.kantor.data.SplitMix;
import dev.kantor.gan.Samples;
import dev.kantor.tensor.Device;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Holds a judge to what is promised of it, on real digits: one that learns a tenth of MNIST for two
 * epochs, a fiftieth of what the usual one does, so the bounds are lower than its figures.
 */
class JudgeOfMnistTest {
  private static final int LEARNT = 6000;
  private static final int JUDGED = 2000;
  private static final int PIXELS = 784;
  private static final int BYTE = 0xff;

  @TempDir private Path folder;

  private static double mean(double[] values) {
    return Arrays.stream(values).average().orElseThrow();
  }

  private static Samples first(ImageSet set, int count) {
    return new Samples(
        set.images().asSlice(0, (long) count * PIXELS),
        set.labels().map(l -> l.asSlice(0, 4L * count)),
        count,
        set.classes());
  }

  /**
   * The share of {@link NotDigits} that a judge takes for digits, but for two in one: there the
   * lighter strokes may well be one digit.
   */
  static double accepted(Judge judge, MemorySegment none) {
    double[] all = judge.judge(none).accepted(judge.design().classes());
    int kinds = NotDigits.Kind.values().length;
    return IntStream.range(0, all.length)
        .filter(i -> i % kinds != NotDigits.Kind.TWO.ordinal())
        .mapToDouble(i -> all[i])
        .average()
        .orElseThrow();
  }

  @Test
  void readsSharpAndBlurredDigitsAndRejectsWhatIsNone() throws IOException {
    String data = System.getenv("KANTOR_DATA");
    boolean there = data != null && Files.isDirectory(Path.of(data, "mnist"));
    if (!there) {
      System.err.println(
          "SKIPPED: a judge of real MNIST; set KANTOR_DATA to a folder that has mnist/");
    }
    assumeTrue(there, "KANTOR_DATA names no folder with mnist/");
    ImageSet set =
        (ImageSet) DataSets.open("mnist", DataSets.Options.defaults().withDataDir(Path.of(data)));
    Samples test = first(set.test().orElseThrow(), JUDGED);
    int[] labels = test.labels().orElseThrow().toArray(ValueLayout.JAVA_INT);
    List<String> messages = new ArrayList<>();
    try (Device device = Device.open("cpu", 0);
        Arena arena = Arena.ofConfined();
        Judge judge =
            Judge.of(
                new JudgeDesign(1, 28, 28, 10, 2, 1),
                device,
                "mnist",
                set.fingerprint(),
                first(set, LEARNT),
                folder,
                messages::add)) {
      double sharp = mean(judge.judge(test.data()).agreement(labels));
      assertTrue(sharp > 0.95, "right about " + sharp + " of sharp digits");
      double blurred = mean(judge.judge(blurred(test.data())).agreement(labels));
      assertTrue(blurred > 0.85, "right about " + blurred + " of blurred digits");
      double noise = mean(judge.judge(noise()).accepted(10));
      assertTrue(noise == 0, "takes " + noise + " of noise for digits");
      NotDigits notDigits = new NotDigits(test, 1, 28, 28, 99);
      double none = accepted(judge, notDigits.images(JUDGED, arena));
      assertTrue(none < 0.1, "takes " + none + " of what is no digit for one");
    }
  }

  /** Fainter, and by a Gaussian of 1.3 pixels. */
  private static MemorySegment blurred(MemorySegment images) {
    Wear wear = new Wear(1, 28, 28);
    byte[] all = images.toArray(ValueLayout.JAVA_BYTE);
    for (int from = 0; from < all.length; from += PIXELS) {
      double[] plane = new double[PIXELS];
      for (int i = 0; i < PIXELS; i++) {
        plane[i] = all[from + i] & BYTE;
      }
      double[] blurred = wear.blur(plane, 1.3);
      for (int i = 0; i < PIXELS; i++) {
        all[from + i] = (byte) Math.round(0.8 * blurred[i]);
      }
    }
    return MemorySegment.ofArray(all);
  }

  /** Every pixel any value. */
  private static MemorySegment noise() {
    byte[] all = new byte[JUDGED * PIXELS];
    SplitMix random = new SplitMix(4, 0);
    for (int i = 0; i < all.length; i++) {
      all[i] = (byte) random.below(BYTE + 1);
    }
    return MemorySegment.ofArray(all);
  }
}
