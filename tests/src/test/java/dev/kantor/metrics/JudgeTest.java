package dev.kantor.metrics;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.kantor.data.DataSets;
import dev.kantor.data.ImageSet;
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
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JudgeTest {
  private static final int COUNT = 1500;
  private static final JudgeDesign DESIGN = new JudgeDesign(1, 28, 28, 10, 4, 1);

  @TempDir private Path folder;

  private static ImageSet glyphs(int count) throws IOException {
    return (ImageSet) DataSets.open("glyphs", DataSets.Options.defaults().withCount(count));
  }

  private static Samples samples(ImageSet set) {
    return new Samples(set.images(), set.labels(), set.count(), set.classes());
  }

  private Judge open(Device device, ImageSet set, List<String> messages) throws IOException {
    return Judge.of(
        DESIGN, device, set.name(), set.fingerprint(), samples(set), folder, messages::add);
  }

  private Path file() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      List<Path> all = files.toList();
      assertEquals(1, all.size(), all.toString());
      return all.getFirst();
    }
  }

  @Test
  void learnsClassesAndWhatIsNone() throws IOException {
    ImageSet set = glyphs(COUNT);
    ImageSet test = set.test().orElseThrow();
    List<String> messages = new ArrayList<>();
    try (Device device = Device.open("cpu", 0);
        Arena arena = Arena.ofConfined()) {
      String sum;
      Verdicts first;
      try (Judge judge = open(device, set, messages)) {
        sum = judge.sha256();
        first = judge.judge(test.images());
        int[] labels = test.labels().orElseThrow().toArray(ValueLayout.JAVA_INT);
        double accuracy = Arrays.stream(first.agreement(labels)).average().orElseThrow();
        assertTrue(accuracy > 0.9, "accuracy " + accuracy);
        assertTrue(first.meanConfidence() > 0.8 && first.meanConfidence() <= 1);
        MemorySegment none = new NotDigits(samples(test), 1, 28, 28, 99).images(300, arena);
        double accepted = JudgeOfMnistTest.accepted(judge, none);
        assertTrue(accepted < 0.1, "takes " + accepted + " of what is no digit for one");
        // A part of a batch is judged as the same images are in a full one.
        Verdicts few = judge.judge(test.images().asSlice(0, 7 * 784));
        assertArrayEquals(Arrays.copyOf(first.classes(), 7), few.classes());
        assertArrayEquals(first.features().first(7).values(), few.features().values());
      }
      assertEquals(1 + DESIGN.epochs(), messages.size(), messages.toString());

      // It is there now.
      messages.clear();
      try (Judge judge = open(device, set, messages)) {
        assertEquals(sum, judge.sha256());
        assertArrayEquals(
            first.features().values(), judge.judge(test.images()).features().values());
      }
      assertEquals(List.of(), messages);

      // A damaged one is noticed, and the same one trained again.
      byte[] bytes = Files.readAllBytes(file());
      bytes[bytes.length - 5] ^= 1;
      Files.write(file(), bytes);
      try (Judge judge = open(device, set, messages)) {
        assertEquals(sum, judge.sha256());
      }
      assertTrue(messages.getFirst().contains("damaged"), messages.toString());
      assertTrue(messages.getFirst().contains("training this judge again"), messages.toString());
    }
  }

  @Test
  void everythingThatDecidesIsInTheName() {
    String name = JudgeDesign.fileName("glyphs", DESIGN.configuration("f", 5));
    assertEquals(name, JudgeDesign.fileName("glyphs", DESIGN.configuration("f", 5)));
    assertNotEquals(name, JudgeDesign.fileName("glyphs", DESIGN.configuration("g", 5)));
    assertNotEquals(name, JudgeDesign.fileName("glyphs", DESIGN.configuration("f", 6)));
    assertNotEquals(
        name,
        JudgeDesign.fileName("glyphs", new JudgeDesign(1, 28, 28, 10, 4, 2).configuration("f", 5)));
    assertTrue(JudgeDesign.fileName("a b/c", DESIGN.configuration("f", 5)).matches("[\\w.-]+"));
  }

  @Test
  void saysWhatCannotBe() throws IOException {
    ImageSet set = glyphs(40);
    try (Device device = Device.open("cpu", 1)) {
      Samples unlabelled = Samples.of(set.images(), 40);
      String message =
          assertThrows(
                  IllegalArgumentException.class,
                  () -> Judge.of(DESIGN, device, "x", "f", unlabelled, folder, m -> {}))
              .getMessage();
      assertTrue(message.contains("x has no labels"), message);
      Path isFile = Files.writeString(folder.resolve("file"), "");
      message =
          assertThrows(
                  IOException.class,
                  () -> Judge.of(DESIGN, device, "x", "f", samples(set), isFile, m -> {}))
              .getMessage();
      assertTrue(message.contains("--judges"), message);
    }
    assertThrows(IllegalArgumentException.class, () -> new JudgeDesign(1, 28, 28, 10, 0, 1));
  }
}
