package dev.kantor.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

class GlyphsTest {
  private static final int PIXELS = Glyphs.SIZE * Glyphs.SIZE;

  /**
   * Changes whenever a stroke, a constant or the random numbers do: results on glyphs are then no
   * longer comparable.
   */
  private static final String FINGERPRINT =
      "9789017d345003ad1fa1d930b6e040809afb2af702f05878352d6b62bf1f8d81";

  @Test
  void aSeedGivesTheSameImagesOnEveryMachine() {
    assertEquals(FINGERPRINT, Glyphs.draw(500, 7).fingerprint());
    assertNotEquals(FINGERPRINT, Glyphs.draw(500, 8).fingerprint());
  }

  @Test
  void aSmallerSetIsTheBeginningOfALargerOne() {
    ImageSet small = Glyphs.draw(50, 3);
    ImageSet large = Glyphs.draw(200, 3);
    assertEquals(-1, small.images().mismatch(large.images().asSlice(0, small.images().byteSize())));
    assertEquals(-1, small.labels().get().mismatch(large.labels().get().asSlice(0, 4 * 50)));
  }

  @Test
  void classesAreEvenAndEveryImageHasInkInItsMiddle() {
    ImageSet set = Glyphs.draw(5000, 1);
    int[] seen = new int[Glyphs.CLASSES];
    for (int i = 0; i < set.count(); i++) {
      seen[set.label(i)]++;
      MemorySegment image = set.image(i);
      double ink = 0;
      double edge = 0;
      for (int p = 0; p < PIXELS; p++) {
        int value = image.get(ValueLayout.JAVA_BYTE, p) & 0xFF;
        ink += value;
        int x = p % Glyphs.SIZE;
        int y = p / Glyphs.SIZE;
        edge += x == 0 || y == 0 || x == Glyphs.SIZE - 1 || y == Glyphs.SIZE - 1 ? value : 0;
      }
      assertTrue(
          ink / 255 > 15 && ink / 255 < 250, "image " + i + " has " + ink / 255 + " pixels of ink");
      assertTrue(edge < 0.1 * ink, "image " + i + " is cut off");
    }
    for (int digit = 0; digit < Glyphs.CLASSES; digit++) {
      assertTrue(seen[digit] > 400 && seen[digit] < 600, seen[digit] + " images of " + digit);
    }
  }

  /**
   * The nearest mean image tells most test digits: the labels mean something, and test images are
   * of the same kind.
   */
  @Test
  void digitsLookLikeTheirLabels() {
    ImageSet train = Glyphs.draw(6000, 5);
    double[][] means = new double[Glyphs.CLASSES][PIXELS];
    for (int i = 0; i < train.count(); i++) {
      MemorySegment image = train.image(i);
      for (int p = 0; p < PIXELS; p++) {
        means[train.label(i)][p] += (image.get(ValueLayout.JAVA_BYTE, p) & 0xFF) / 600.0;
      }
    }
    ImageSet test = train.test().orElseThrow();
    assertEquals(1000, test.count());
    int right = 0;
    for (int i = 0; i < test.count(); i++) {
      int nearest = 0;
      for (int digit = 0; digit < Glyphs.CLASSES; digit++) {
        nearest =
            distance(test.image(i), means[digit]) < distance(test.image(i), means[nearest])
                ? digit
                : nearest;
      }
      right += nearest == test.label(i) ? 1 : 0;
    }
    assertTrue(right > 750, right + " of 1000 are nearest to their own class's mean");
    assertNotEquals(-1, train.image(0).mismatch(test.image(0)));
  }

  private static double distance(MemorySegment image, double[] mean) {
    double sum = 0;
    for (int p = 0; p < PIXELS; p++) {
      double difference = (image.get(ValueLayout.JAVA_BYTE, p) & 0xFF) - mean[p];
      sum += difference * difference;
    }
    return sum;
  }
}
