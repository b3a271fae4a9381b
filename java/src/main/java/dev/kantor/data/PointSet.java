package dev.kantor.data;

import dev.kantor.io.Sha256;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Points of the plane from a mixture of equal round Gaussians: toy sets that show mode collapse at
 * a glance. The two mixtures and their widths are those of Lin et al. 2018 (PacGAN), section 4.1.
 *
 * @param points f32 [count, 2]
 * @param labels i32 [count]: which Gaussian a point is from
 * @param centres the Gaussians' means
 * @param sigma the Gaussians' standard deviation in each direction
 * @param fingerprint SHA-256 of count, points and labels, as 64 hexadecimal digits
 */
public record PointSet(
    String name,
    int count,
    MemorySegment points,
    Optional<MemorySegment> labels,
    List<Centre> centres,
    double sigma,
    String fingerprint)
    implements DataSet {
  /** Mean of a Gaussian. */
  public record Centre(double x, double y) {}

  private static final int RING_MODES = 8;
  private static final double RING_RADIUS = 1;
  private static final double RING_SIGMA = 0.01;
  private static final int GRID_SIDE = 5;
  private static final double GRID_SPACING = 2;
  private static final double GRID_SIGMA = 0.05;
  private static final double ROOM = 1.4;

  public PointSet {
    Objects.requireNonNull(name);
    Objects.requireNonNull(fingerprint);
    centres = List.copyOf(centres);
    if (count < 1 || points.byteSize() != 8L * count) {
      throw new IllegalArgumentException(
          name + ": " + points.byteSize() + " bytes for " + count + " points of two floats");
    }
    if (!(sigma > 0)) {
      throw new IllegalArgumentException(name + ": sigma must be positive: " + sigma);
    }
    ImageSet.checkLabels(
        name,
        labels.orElseThrow(() -> new IllegalArgumentException("points come with labels")),
        count,
        centres.size());
  }

  @Override
  public int classes() {
    return centres.size();
  }

  /** The points as x, y, x, y .. */
  public float[] toFloats() {
    return points.toArray(ValueLayout.JAVA_FLOAT);
  }

  /** Half the side of a square around 0 that shows the modes with room around them. */
  public double reach() {
    return ROOM
        * centres.stream()
            .mapToDouble(c -> Math.max(Math.abs(c.x), Math.abs(c.y)) + sigma)
            .max()
            .orElseThrow();
  }

  /** Eight Gaussians of sigma 0.01 on the unit circle. */
  static PointSet ring(int count, long seed) {
    List<Centre> centres =
        IntStream.range(0, RING_MODES)
            .mapToDouble(i -> 2 * Math.PI * i / RING_MODES)
            .mapToObj(
                a -> new Centre(RING_RADIUS * StrictMath.cos(a), RING_RADIUS * StrictMath.sin(a)))
            .toList();
    return draw("ring", count, centres, RING_SIGMA, seed);
  }

  /** Twenty-five Gaussians of sigma 0.05 at {-4, -2, 0, 2, 4} squared. */
  static PointSet grid(int count, long seed) {
    List<Centre> centres =
        IntStream.range(0, GRID_SIDE * GRID_SIDE)
            .mapToObj(
                i ->
                    new Centre(
                        GRID_SPACING * (i % GRID_SIDE - GRID_SIDE / 2),
                        GRID_SPACING * (i / GRID_SIDE - GRID_SIDE / 2)))
            .toList();
    return draw("grid", count, centres, GRID_SIGMA, seed);
  }

  private static PointSet draw(
      String name, int count, List<Centre> centres, double sigma, long seed) {
    Arena arena = Arena.ofAuto();
    MemorySegment points = arena.allocate(ValueLayout.JAVA_FLOAT, 2L * count);
    MemorySegment labels = arena.allocate(ValueLayout.JAVA_INT, count);
    for (int i = 0; i < count; i++) {
      SplitMix random = new SplitMix(seed, i);
      int mode = random.below(centres.size());
      Centre centre = centres.get(mode);
      points.setAtIndex(
          ValueLayout.JAVA_FLOAT, 2L * i, (float) (centre.x + sigma * random.normal()));
      points.setAtIndex(
          ValueLayout.JAVA_FLOAT, 2L * i + 1, (float) (centre.y + sigma * random.normal()));
      labels.setAtIndex(ValueLayout.JAVA_INT, i, mode);
    }
    String fingerprint =
        new Sha256().update("points " + count + "\n").update(points).update(labels).hex();
    return new PointSet(
        name,
        count,
        points.asReadOnly(),
        Optional.of(labels.asReadOnly()),
        centres,
        sigma,
        fingerprint);
  }
}
