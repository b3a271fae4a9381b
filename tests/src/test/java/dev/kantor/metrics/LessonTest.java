package dev.kantor.metrics;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.kantor.data.DataSets;
import dev.kantor.data.ImageSet;
import dev.kantor.data.SplitMix;
import dev.kantor.gan.Samples;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class LessonTest {
  private static final int COUNT = 60;
  private static final int PIXELS = 784;
  private static final int BYTE = 0xff;
  private static final JudgeDesign DESIGN = new JudgeDesign(1, 28, 28, 10, 1, 5);

  private static ImageSet set;

  @BeforeAll
  static void open() throws IOException {
    set = (ImageSet) DataSets.open("glyphs", DataSets.Options.defaults().withCount(COUNT));
  }

  private static Samples samples() {
    return new Samples(set.images(), set.labels(), COUNT, set.classes());
  }

  private static byte[] pixels(MemorySegment images, long index) {
    return images.asSlice(index * PIXELS, PIXELS).toArray(ValueLayout.JAVA_BYTE);
  }

  private static byte[] original(int index) {
    return pixels(set.images(), index);
  }

  @Test
  void hasTheImagesThenWornOnesThenNone() {
    try (Arena arena = Arena.ofConfined()) {
      Samples lesson = Lesson.of(samples(), DESIGN, arena);
      int worn = COUNT / 2;
      int none = COUNT / 4;
      assertEquals(COUNT + worn + none, lesson.count());
      assertEquals(11, lesson.classes());
      assertEquals(-1, lesson.data().asSlice(0, COUNT * PIXELS).mismatch(set.images()));
      MemorySegment labels = lesson.labels().orElseThrow();
      for (int i = 0; i < worn; i++) {
        assertEquals(set.label(2 * i), labels.getAtIndex(ValueLayout.JAVA_INT, COUNT + i));
        assertTrue(
            correlation(original(2 * i), pixels(lesson.data(), COUNT + i)) > 0.25,
            "worn image " + i + " is not like its original");
      }
      assertEquals(set.label(COUNT - 1), labels.getAtIndex(ValueLayout.JAVA_INT, COUNT - 1));
      assertEquals(10, labels.getAtIndex(ValueLayout.JAVA_INT, COUNT + worn));
      assertEquals(10, labels.getAtIndex(ValueLayout.JAVA_INT, COUNT + worn + none - 1));

      assertEquals(-1, Lesson.of(samples(), DESIGN, arena).data().mismatch(lesson.data()));
      JudgeDesign other = new JudgeDesign(1, 28, 28, 10, 1, 6);
      MemorySegment others = Lesson.of(samples(), other, arena).data();
      assertTrue(others.mismatch(lesson.data()) < (COUNT + 2) * PIXELS, "another seed");
    }
  }

  private static double correlation(byte[] a, byte[] b) {
    double[] x = centred(a);
    double[] y = centred(b);
    double xy = IntStream.range(0, PIXELS).mapToDouble(i -> x[i] * y[i]).sum();
    double xx = Arrays.stream(x).map(v -> v * v).sum();
    double yy = Arrays.stream(y).map(v -> v * v).sum();
    return xy / Math.sqrt(xx * yy);
  }

  private static double[] centred(byte[] image) {
    double[] values = IntStream.range(0, PIXELS).mapToDouble(i -> image[i] & BYTE).toArray();
    double mean = Arrays.stream(values).average().orElseThrow();
    return Arrays.stream(values).map(v -> v - mean).toArray();
  }

  @Test
  void aBlurKeepsLightAndSpreadsItAsAGaussianDoes() {
    Wear wear = new Wear(1, 9, 11);
    double[] flat = new double[99];
    Arrays.fill(flat, 0.3);
    assertArrayEquals(flat, wear.blur(flat, 1.6), 1e-12);
    double[] point = new double[99];
    point[4 * 11 + 5] = 1;
    double[] blurred = wear.blur(point, 1);
    assertEquals(1, Arrays.stream(blurred).sum(), 1e-12);
    assertEquals(Math.exp(-0.5), blurred[4 * 11 + 6] / blurred[4 * 11 + 5], 1e-12);
    assertEquals(Math.exp(-2.5), blurred[3 * 11 + 3] / blurred[4 * 11 + 5], 1e-12);
  }

  @Test
  void wearKeepsWhatAnImageShows() {
    Wear wear = new Wear(1, 28, 28);
    int alike = 0;
    for (int i = 0; i < 10 * COUNT; i++) {
      byte[] image = original(i % COUNT);
      byte[] worn = wear.apply(image, new SplitMix(3, i));
      alike += correlation(image, worn) > 0.7 ? 1 : 0;
    }
    assertTrue(alike > 8.5 * COUNT, alike + " of " + 10 * COUNT + " are like their originals");
  }

  @Test
  void imagesThatAreNoneAreOfTheirKinds() {
    int kinds = NotDigits.Kind.values().length;
    int of = 40;
    try (Arena arena = Arena.ofConfined()) {
      NotDigits notDigits = new NotDigits(samples(), 1, 28, 28, 5);
      MemorySegment images = notDigits.images(of * kinds, arena);
      assertHalf(images, NotDigits.Kind.TWO, LessonTest::isOfTwoClasses);
      assertHalf(images, NotDigits.Kind.SCRAPS, LessonTest::isScraps);
      assertHalf(images, NotDigits.Kind.SHUFFLED, LessonTest::isShuffled);
      assertHalf(images, NotDigits.Kind.SQUARES, LessonTest::isOfSquares);
      for (int i = 0; i < of; i++) {
        double noise = roughness(pixels(images, i * kinds));
        double clouds = roughness(pixels(images, i * kinds + NotDigits.Kind.CLOUDS.ordinal()));
        assertTrue(noise > 0.8, "neighbours in noise are alike: " + noise);
        assertTrue(clouds < 0.4, "neighbours in clouds are not: " + clouds);
        byte[] scattered = pixels(images, i * kinds + NotDigits.Kind.SCATTERED.ordinal());
        assertTrue(roughness(scattered) > 0.5, "strokes are whole: " + roughness(scattered));
        assertTrue(isOfPixelsNearby(scattered), "image " + i + " is of pixels from far away");
      }
      assertEquals(-1, images.mismatch(notDigits.images(of * kinds, arena)));
      MemorySegment others = new NotDigits(samples(), 1, 28, 28, 6).images(of, arena);
      assertNotEquals(-1, others.mismatch(images.asSlice(0, others.byteSize())));
    }
  }

  /** Half of a kind are worn, which the test does not find again. */
  private static void assertHalf(MemorySegment images, NotDigits.Kind kind, Predicate<byte[]> is) {
    int kinds = NotDigits.Kind.values().length;
    int all = (int) (images.byteSize() / PIXELS / kinds);
    long found =
        IntStream.range(0, all)
            .filter(i -> is.test(pixels(images, i * kinds + kind.ordinal())))
            .count();
    assertTrue(found > all / 4 && found < all - all / 4, kind + ": " + found + " of " + all);
  }

  /** Mean squared difference of neighbours over that of any two pixels; 1: they know nothing. */
  private static double roughness(byte[] image) {
    double[] x = centred(image);
    double variance = Arrays.stream(x).map(v -> v * v).average().orElseThrow();
    double differences =
        IntStream.range(0, PIXELS)
            .filter(i -> i % 28 > 0)
            .mapToDouble(i -> (x[i] - x[i - 1]) * (x[i] - x[i - 1]))
            .average()
            .orElseThrow();
    return variance == 0 ? 0 : differences / (2 * variance);
  }

  private static byte[] sorted(byte[] image) {
    byte[] copy = image.clone();
    Arrays.sort(copy);
    return copy;
  }

  private static boolean isShuffled(byte[] image) {
    return IntStream.range(0, COUNT)
        .mapToObj(LessonTest::original)
        .anyMatch(
            o ->
                Arrays.equals(sorted(image), sorted(o))
                    && !Arrays.equals(image, o)
                    && correlation(image, o) < 0.5);
  }

  private static boolean isOfPixelsNearby(byte[] image) {
    return IntStream.range(0, COUNT)
        .mapToObj(LessonTest::original)
        .anyMatch(o -> IntStream.range(0, PIXELS).allMatch(i -> isNear(image[i], o, i)));
  }

  private static boolean isNear(byte value, byte[] original, int at) {
    return IntStream.range(0, PIXELS)
        .anyMatch(
            i ->
                Math.abs(i / 28 - at / 28) <= 7
                    && Math.abs(i % 28 - at % 28) <= 7
                    && original[i] == value);
  }

  private static boolean isOfSquares(byte[] image) {
    return IntStream.range(0, COUNT)
        .mapToObj(LessonTest::original)
        .filter(o -> Arrays.equals(sorted(image), sorted(o)) && !Arrays.equals(image, o))
        .anyMatch(o -> IntStream.range(0, 16).allMatch(to -> has(o, square(image, to))));
  }

  private static boolean has(byte[] image, byte[] square) {
    return IntStream.range(0, 16).anyMatch(i -> Arrays.equals(square(image, i), square));
  }

  private static byte[] square(byte[] image, int index) {
    byte[] square = new byte[49];
    for (int i = 0; i < 49; i++) {
      square[i] = image[(index / 4 * 7 + i / 7) * 28 + index % 4 * 7 + i % 7];
    }
    return square;
  }

  private static boolean isScraps(byte[] image) {
    long light = light(image);
    return IntStream.range(0, COUNT)
        .mapToObj(LessonTest::original)
        .anyMatch(
            o ->
                light < light(o)
                    && IntStream.range(0, PIXELS).allMatch(k -> image[k] == 0 || image[k] == o[k]));
  }

  private static long light(byte[] image) {
    return IntStream.range(0, PIXELS).filter(k -> image[k] != 0).count();
  }

  private static boolean isOfTwoClasses(byte[] image) {
    for (int i = 0; i < COUNT; i++) {
      for (int j = 0; j < i; j++) {
        if (set.label(i) != set.label(j) && isOf(image, original(i), original(j))) {
          return true;
        }
      }
    }
    return false;
  }

  private static boolean isOf(byte[] image, byte[] first, byte[] second) {
    boolean isMean = true;
    boolean isLighter = true;
    for (int k = 0; k < PIXELS; k++) {
      int a = first[k] & BYTE;
      int b = second[k] & BYTE;
      isMean &= (image[k] & BYTE) == (a + b + 1) / 2;
      isLighter &= (image[k] & BYTE) == Math.max(a, b);
    }
    return isMean || isLighter;
  }

  @Test
  void aSetOfOneClassHasNothingToBlend() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment images = arena.allocate(2 * 16);
      for (int i = 0; i < 32; i++) {
        images.set(ValueLayout.JAVA_BYTE, i, (byte) (i % 16 + 1));
      }
      MemorySegment labels = arena.allocate(ValueLayout.JAVA_INT, 2);
      Samples one = new Samples(images, Optional.of(labels), 2, 1);
      MemorySegment none = new NotDigits(one, 1, 4, 4, 1).images(60, arena);
      boolean isShuffled = false;
      for (int i = NotDigits.Kind.TWO.ordinal(); i < 60; i += NotDigits.Kind.values().length) {
        byte[] image = none.asSlice(i * 16, 16).toArray(ValueLayout.JAVA_BYTE);
        isShuffled |=
            Arrays.equals(sorted(image), images.asSlice(0, 16).toArray(ValueLayout.JAVA_BYTE));
      }
      assertTrue(isShuffled, "where there is nothing to blend, pixels are shuffled");
    }
  }
}
