package dev.kantor.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class CollapseAlarmTest {
  /** As many samples of each of the first classes, of ten. */
  private static ClassHistogram covering(int classes) {
    long[] counts = new long[10];
    Arrays.fill(counts, 0, classes, 50);
    return new ClassHistogram(counts);
  }

  private static Evaluation evaluation(ClassHistogram histogram, long none) {
    return new Evaluation((int) (histogram.total() + none), histogram, none, List.of());
  }

  private static Optional<String> alarm(int covered, long none, Integer... before) {
    return CollapseAlarm.of(
        Arrays.stream(before).map(CollapseAlarmTest::covering).toList(),
        evaluation(covering(covered), none));
  }

  @Test
  void fewerThanHalfOfTheClassesAreACollapse() {
    assertEquals(Optional.empty(), alarm(5, 0));
    assertEquals(Optional.of("mode collapse: 4 of 10 classes are covered"), alarm(4, 0));
    assertEquals(Optional.of("mode collapse: 4 of 10 classes are covered"), alarm(4, 199, 4));
  }

  @Test
  void samplesThatShowNothingYetAreNone() {
    assertEquals(Optional.empty(), alarm(4, 200));
    assertEquals(Optional.empty(), alarm(0, 500));
    assertEquals(Optional.empty(), alarm(1, 500, 0, 1));
  }

  @Test
  void aQuarterOfTheBestLostIsACollapse() {
    assertEquals(Optional.empty(), alarm(8, 0, 10, 9));
    Optional<String> lost =
        Optional.of("mode collapse: 7 of 10 classes are covered, after 10 before");
    assertEquals(lost, alarm(7, 0, 3, 10, 8));
    // And that the samples show no class any more does not hide it.
    assertEquals(lost, alarm(7, 10_000, 10));
  }

  @Test
  void oneClassComesAndGoes() {
    assertEquals(Optional.empty(), alarm(1, 500, 2));
    assertEquals(Optional.empty(), alarm(2, 500, 3));
    assertEquals(
        Optional.of("mode collapse: 1 of 10 classes are covered, after 3 before"),
        alarm(1, 500, 3));
  }

  @Test
  void aClassWithoutATenthOfItsShareIsNotCovered() {
    long[] counts = {1000, 1000, 1000, 1000, 40, 40, 40, 40, 40, 40};
    ClassHistogram safe = new ClassHistogram(counts);
    assertEquals(
        Optional.of("mode collapse: 4 of 10 classes are covered, after 10 before"),
        CollapseAlarm.of(List.of(covering(10)), evaluation(safe, 0)));
  }
}
