package dev.kantor.metrics;

import dev.kantor.data.PointSet;
import dev.kantor.gan.Samples;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * Compares points with the mixture that a set's are drawn from, see {@link ModeCoverage}. The
 * histogram is of samples of high quality by mode; those of low quality are of none.
 *
 * @param target the set
 */
public record ModeCounter(PointSet target) implements Yardstick {
  public ModeCounter {
    Objects.requireNonNull(target, "target");
  }

  /**
   * Evaluates points.
   *
   * @param samples f32 [count, 2], as in {@link Samples#data}
   * @param requested is not looked at: nothing draws points of a class
   */
  @Override
  public Evaluation evaluate(MemorySegment samples, Optional<int[]> requested) {
    float[] points = samples.toArray(ValueLayout.JAVA_FLOAT);
    int count = points.length / 2;
    ModeCoverage c = ModeCoverage.of(points, target);
    ClassHistogram histogram =
        new ClassHistogram(c.good().stream().mapToLong(Long::longValue).toArray());
    return new Evaluation(
        count,
        histogram,
        count - histogram.total(),
        List.of(
            measure("modes-covered", c.covered()),
            measure("high-quality", c.highQuality()),
            measure("reverse-kl", c.reverseDivergence()),
            measure("mode-distance", c.distance())));
  }

  private static Measure measure(String name, double value) {
    return new Measure(name, value, Optional.empty());
  }

  @Override
  public void close() {
    // It holds nothing but the set.
  }
}
