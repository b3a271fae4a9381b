package dev.kantor.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.kantor.data.DataSets;
import dev.kantor.data.ImageSet;
import dev.kantor.data.SplitMix;
import dev.kantor.gan.Samples;
import dev.kantor.tensor.Device;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Modes of three digits, on images that are stacked here of digits that the judge is sure of. */
class StackedModesTest {
  private static final int NUMBERS = 784;
  private static final int COUNT = 300;

  @TempDir private static Path folder;

  private static Device device;
  private static StackedModes modes;

  /** An image of each digit that the judge takes for it. */
  private static final List<MemorySegment> DIGITS = new ArrayList<>();

  @BeforeAll
  static void train() throws IOException {
    ImageSet set = (ImageSet) DataSets.open("glyphs", DataSets.Options.defaults().withCount(1500));
    Samples samples = new Samples(set.images(), set.labels(), set.count(), set.classes());
    device = Device.open("cpu", 0);
    JudgeDesign design = new JudgeDesign(1, 28, 28, 10, 4, 1);
    Judge judge = Judge.of(design, device, set.name(), set.fingerprint(), samples, folder, m -> {});
    Verdicts verdicts = judge.judge(set.images());
    for (int digit = 0; digit < 10; digit++) {
      int best = -1;
      for (int i = 0; i < set.count(); i++) {
        boolean right = set.label(i) == digit && verdicts.classes()[i] == digit;
        if (right && (best < 0 || verdicts.confidences()[i] > verdicts.confidences()[best])) {
          best = i;
        }
      }
      assertTrue(best >= 0, "the judge knows no " + digit);
      DIGITS.add(set.image(best));
    }
    modes = new StackedModes(new Evaluator(judge, samples, 500, 1), 1);
  }

  @AfterAll
  static void close() {
    modes.close();
    device.close();
  }

  private static MemorySegment stack(int[] triples) {
    MemorySegment images = MemorySegment.ofArray(new byte[triples.length * 3 * NUMBERS]);
    for (int i = 0; i < triples.length; i++) {
      int[] digits = {triples[i] / 100, triples[i] / 10 % 10, triples[i] % 10};
      for (int c = 0; c < 3; c++) {
        images.asSlice((3L * i + c) * NUMBERS, NUMBERS).copyFrom(DIGITS.get(digits[c]));
      }
    }
    return images;
  }

  private static int[] triples(int... inTurn) {
    int[] all = new int[COUNT];
    for (int i = 0; i < COUNT; i++) {
      all[i] = inTurn[i % inTurn.length];
    }
    return all;
  }

  private static double value(Evaluation e, String name) {
    return e.measure(name).value();
  }

  @Test
  void countsTheTriplesThatItIsShown() {
    int[] triples = triples(7, 70, 700, 700);
    Evaluation e = modes.evaluate(stack(triples), Optional.of(triples));
    assertEquals(COUNT, e.count());
    assertEquals(0, e.none());
    assertEquals(3, value(e, "modes-covered"));
    assertEquals(3, value(e, "modes-accepted"));
    assertEquals(1, value(e, "accepted"));
    assertEquals(1, value(e, "agreement"));
    // Shares of a quarter, a quarter, a half, of a thousand modes.
    assertEquals(
        0.5 * Math.log(0.25 * 1000) + 0.5 * Math.log(0.5 * 1000), value(e, "reverse-kl"), 1e-9);
    assertEquals(COUNT / 2, e.histogram().counts()[700]);
    assertEquals(COUNT / 4, e.histogram().counts()[7]);
    assertTrue(value(e, "fd-judge") > 0);
  }

  @Test
  void oneModeIsTheWorst() {
    Evaluation e = modes.evaluate(stack(triples(123)), Optional.of(triples(123, 124)));
    assertEquals(1, value(e, "modes-covered"));
    assertEquals(Math.log(1000), value(e, "reverse-kl"), 1e-12);
    assertEquals(0.5, value(e, "agreement"), 0.01);
  }

  @Test
  void allModesAreCounted() {
    int[] triples = new int[1000];
    for (int i = 0; i < triples.length; i++) {
      triples[i] = i;
    }
    Evaluation e = modes.evaluate(stack(triples), Optional.empty());
    assertEquals(1000, value(e, "modes-covered"));
    assertEquals(0, value(e, "reverse-kl"), 1e-12);
    assertTrue(e.find("agreement").isEmpty());
  }

  @Test
  void aChannelOfNoiseIsADigitForTheProtocolOnly() {
    MemorySegment images = stack(triples(5, 6));
    SplitMix random = new SplitMix(3, 0);
    for (int i = 0; i < COUNT; i += 2) {
      for (int k = 0; k < NUMBERS; k++) {
        images.set(ValueLayout.JAVA_BYTE, (3L * i + 1) * NUMBERS + k, (byte) random.below(256));
      }
    }
    Evaluation e = modes.evaluate(images, Optional.empty());
    assertEquals(0.5, value(e, "accepted"), 0.02);
    assertEquals(1, value(e, "modes-accepted"), 1);
    assertTrue(value(e, "modes-covered") >= 2, "modes " + value(e, "modes-covered"));
    assertEquals(COUNT / 2, e.none(), 0.02 * COUNT);
    assertEquals(COUNT, e.none() + e.histogram().total());
  }

  @Test
  void refusesOtherImages() {
    assertThrows(
        IllegalArgumentException.class,
        () -> modes.evaluate(MemorySegment.ofArray(new byte[NUMBERS]), Optional.empty()));
  }
}
