package dev.kantor.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.kantor.io.FormatException;
import dev.kantor.io.Idx;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DataSetsTest {
  @TempDir private Path folder;

  private final ByteArrayOutputStream messages = new ByteArrayOutputStream();

  private DataSets.Options options() {
    PrintStream out = new PrintStream(messages, true, StandardCharsets.UTF_8);
    return DataSets.Options.defaults().withDataDir(folder).withMessages(out);
  }

  @Test
  void theRealMnistIsWhatItShouldBe() throws IOException {
    String data = System.getenv("KANTOR_DATA");
    boolean there = data != null && IdxFolder.isIn(Path.of(data, "mnist"));
    if (!there) {
      System.err.println(
          "SKIPPED: the test on real MNIST; set KANTOR_DATA to a folder that has mnist/");
    }
    assumeTrue(there, "KANTOR_DATA names no folder with mnist/");
    ImageSet set =
        assertInstanceOf(
            ImageSet.class, DataSets.open("mnist", options().withDataDir(Path.of(data))));
    assertEquals(
        List.of(60_000, 1, 28, 28, 10),
        List.of(set.count(), set.channels(), set.height(), set.width(), set.classes()));
    assertEquals(
        List.of(5, 0, 4, 1, 9),
        List.of(set.label(0), set.label(1), set.label(2), set.label(3), set.label(4)));
    ImageSet test = set.test().orElseThrow();
    assertEquals(
        List.of(10_000, 7, 2, 1, 0),
        List.of(test.count(), test.label(0), test.label(1), test.label(2), test.label(3)));
    for (ImageSet part : List.of(set, test)) {
      double sum = 0;
      for (long i = 0; i < part.images().byteSize(); i++) {
        sum += part.images().get(ValueLayout.JAVA_BYTE, i) & 0xFF;
      }
      // The well-known mean of the training pixels is 0.1307, of the test pixels 0.1325.
      assertEquals(part == set ? 0.1307 : 0.1325, sum / part.images().byteSize() / 255, 1e-4);
    }
  }

  @Test
  void idxFilesMakeASetWithItsTestImages() throws IOException {
    writeIdx(folder, 3, new int[] {2, 0, 1}, 2, new int[] {1, 2});
    ImageSet set = assertInstanceOf(ImageSet.class, DataSets.open(folder.toString(), options()));
    assertEquals(folder.getFileName().toString(), set.name());
    assertEquals(3, set.classes());
    assertEquals(1, set.label(2));
    assertEquals(12, set.image(1).get(ValueLayout.JAVA_BYTE, 0));
    assertEquals(2, set.test().orElseThrow().count());
    assertThrows(IndexOutOfBoundsException.class, () -> set.image(3));
  }

  @Test
  void theFingerprintFollowsImagesAndLabels() throws IOException {
    writeIdx(folder, 3, new int[] {2, 0, 1}, 2, new int[] {1, 2});
    String first = DataSets.open(folder.toString(), options()).fingerprint();
    assertEquals(first, DataSets.open(folder.toString(), options()).fingerprint());
    writeIdx(folder, 3, new int[] {2, 1, 0}, 2, new int[] {1, 2});
    String second = DataSets.open(folder.toString(), options()).fingerprint();
    assertTrue(!first.equals(second));
  }

  @Test
  void filesThatDoNotFitEachOtherAreNamed() throws IOException {
    writeIdx(folder, 3, new int[] {2, 0}, 2, new int[] {1, 2});
    assertMessage(
        FormatException.class,
        folder.toString(),
        "holds 2 labels, but train-images-idx3-ubyte has 3 images");
    writeIdx(folder, 3, new int[] {2, 0, 1}, 2, new int[] {1, 9});
    assertMessage(
        FormatException.class, folder.toString(), "holds label 9; the training labels end at 2");
    writeIdx(folder, 3, new int[] {2, 0, 1}, 2, new int[] {1, 2});
    Idx.write(
        folder.resolve(IdxFolder.TEST_IMAGES), MemorySegment.ofArray(new byte[2 * 3 * 3]), 2, 3, 3);
    assertMessage(
        FormatException.class,
        folder.toString(),
        "its images are 3 x 3; the training images are 2 x 2");
    Files.delete(folder.resolve(IdxFolder.TEST_LABELS));
    Idx.write(
        folder.resolve(IdxFolder.TEST_IMAGES), MemorySegment.ofArray(new byte[2 * 2 * 2]), 2, 2, 2);
    assertMessage(
        IOException.class,
        folder.toString(),
        "there is no t10k-labels-idx1-ubyte or t10k-labels-idx1-ubyte.gz in");
  }

  @Test
  void anUnknownNameListsTheKnownOnes() {
    assertMessage(
        IOException.class,
        "minst",
        "there is no data set and no folder minst; use auto, mnist, fashion-mnist, glyphs");
  }

  @Test
  void theRingHasEightModesAndTheGridTwentyFive() throws IOException {
    for (String name : List.of("ring", "grid")) {
      PointSet set =
          assertInstanceOf(
              PointSet.class, DataSets.open(name, options().withCount(20_000).withSeed(4)));
      assertEquals(name.equals("ring") ? 8 : 25, set.classes());
      int[] seen = new int[set.classes()];
      double squares = 0;
      for (int i = 0; i < set.count(); i++) {
        int mode = set.labels().get().getAtIndex(ValueLayout.JAVA_INT, i);
        seen[mode]++;
        double dx =
            set.points().getAtIndex(ValueLayout.JAVA_FLOAT, 2L * i) - set.centres().get(mode).x();
        double dy =
            set.points().getAtIndex(ValueLayout.JAVA_FLOAT, 2L * i + 1)
                - set.centres().get(mode).y();
        squares += dx * dx + dy * dy;
      }
      assertEquals(set.sigma(), Math.sqrt(squares / (2 * set.count())), 0.02 * set.sigma());
      for (int n : seen) {
        assertEquals(20_000.0 / set.classes(), n, 5 * Math.sqrt(20_000.0 / set.classes()));
      }
      assertEquals(
          set.fingerprint(),
          DataSets.open(name, options().withCount(20_000).withSeed(4)).fingerprint());
    }
  }

  @Test
  void stackedDigitsAreThreeDigitsAndTheirNumber() {
    ImageSet digits = Glyphs.draw(300, 2);
    ImageSet stacked = StackedDigits.of(digits, 500, 9);
    assertEquals(
        List.of("stacked-glyphs", 500, 3, 1000),
        List.of(stacked.name(), stacked.count(), stacked.channels(), stacked.classes()));
    for (int i = 0; i < 20; i++) {
      int label = 0;
      for (int c = 0; c < 3; c++) {
        MemorySegment channel = stacked.image(i).asSlice(c * 784L, 784);
        int source = 0;
        while (digits.image(source).mismatch(channel) != -1) {
          source++;
        }
        label = 10 * label + digits.label(source);
      }
      assertEquals(label, stacked.label(i));
    }
    assertEquals(83, stacked.test().orElseThrow().count());
    assertThrows(IllegalArgumentException.class, () -> StackedDigits.of(stacked, 5, 1));
  }

  private <T extends IOException> void assertMessage(Class<T> type, String data, String expected) {
    T e = assertThrows(type, () -> DataSets.open(data, options()));
    assertTrue(e.getMessage().contains(expected), e.getMessage());
  }

  /** Images of 2 x 2 whose pixels are 12 * index + position. */
  static void writeIdx(Path folder, int train, int[] trainLabels, int test, int[] testLabels)
      throws IOException {
    Files.createDirectories(folder);
    Idx.write(folder.resolve(IdxFolder.TRAIN_IMAGES), images(train), train, 2, 2);
    Idx.write(folder.resolve(IdxFolder.TRAIN_LABELS), labels(trainLabels), trainLabels.length);
    Idx.write(folder.resolve(IdxFolder.TEST_IMAGES), images(test), test, 2, 2);
    Idx.write(folder.resolve(IdxFolder.TEST_LABELS), labels(testLabels), testLabels.length);
  }

  private static MemorySegment images(int count) {
    byte[] pixels = new byte[4 * count];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (byte) (12 * (i / 4) + i % 4);
    }
    return MemorySegment.ofArray(pixels);
  }

  private static MemorySegment labels(int[] labels) {
    byte[] bytes = new byte[labels.length];
    for (int i = 0; i < labels.length; i++) {
      bytes[i] = (byte) labels[i];
    }
    return MemorySegment.ofArray(bytes);
  }
}
