package dev.kantor.data;

import dev.kantor.io.Coverage;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * The embedded set: 28 x 28 handwritten-looking digits drawn from strokes, so that everything runs
 * with no network. A digit's control points are jittered, joined by a smooth curve, bent, slanted,
 * scaled, turned and drawn with a pen of random width and ink. Image i depends on (seed, i) alone:
 * a smaller set is the beginning of a larger one.
 */
final class Glyphs {
  static final int SIZE = 28;
  static final int CLASSES = 10;

  /** Keeps test images apart from training images of the same seed. */
  private static final long TEST_STREAM = 1L << 40;

  /**
   * The ways to write each digit: strokes parted by '|', control points x,y in percent of the
   * digit's box, y downwards. Where the pen turns sharply, a new stroke starts at the point where
   * the old one ended.
   */
  private static final String[][] SPELLED = {
    {
      "52,2 24,16 10,50 24,86 50,98 78,84 90,50 78,14 52,2",
      "60,4 28,10 12,46 20,82 46,98 76,88 88,52 82,18 54,3 40,8",
    },
    {
      "50,2 50,50 50,98", "34,20 52,2|52,2 51,50 50,98", "30,22 50,3|50,3 50,97|28,97 72,97",
    },
    {
      "14,24 28,6 56,2 80,16 80,38 54,66 12,97|12,97 50,96 90,97",
      "14,26 30,6 58,3 80,20 74,48 46,78 22,94 12,88 20,78 40,82 66,95 90,90",
    },
    {
      "16,12 42,2 72,8 80,26 66,42 40,47|40,47 70,50 86,68 76,90 46,98 12,88",
      "14,5 80,5|80,5 44,40|44,40 74,46 87,68 76,90 46,98 13,88",
    },
    {
      "30,4 22,34 12,62|12,62 90,62|66,30 66,98",
      "64,3 10,66|10,66 92,66|64,3 64,98",
      "22,3 16,30 22,50 46,54 76,46|80,3 77,50 74,98",
    },
    {
      "24,4 18,44|18,44 46,36 76,46 86,68 74,90 44,98 12,88|24,4 84,4",
      "82,4 28,5|28,5 20,42|20,42 54,38 82,54 82,80 58,97 14,92",
    },
    {
      "74,6 46,14 22,42 14,72 28,94 56,98 82,84 80,62 58,52 30,60 15,76",
      "58,2 34,26 18,58 18,82 36,97 62,96 80,80 74,62 52,56 30,66 20,78",
    },
    {
      "10,5 50,4 88,5|88,5 62,44 42,98", "10,10 12,5 50,5 86,4|86,4 64,40 44,98|28,50 74,48",
    },
    {
      "52,46 26,34 22,16 48,2 76,14 74,34 52,46 22,64 14,84 48,98 82,86 80,66 52,46",
      "76,14 52,2 26,12 28,34 54,50 80,70 76,90 48,98 20,88 22,68 50,50 74,32 76,14",
    },
    {
      "82,30 66,48 36,50 18,32 30,8 58,3 80,18 82,34 80,66 68,98",
      "80,16 56,3 26,12 18,34 36,50 62,46 80,26|80,16 78,56 56,98",
    },
  };

  /** Per digit and style its strokes, each a list of control points in [0, 1]. */
  private static final List<List<List<List<double[]>>>> STYLES =
      Stream.of(SPELLED)
          .map(
              styles ->
                  Stream.of(styles)
                      .map(style -> Stream.of(style.split("\\|")).map(Glyphs::points).toList())
                      .toList())
          .toList();

  private static final int CURVE_STEPS = 5;
  private static final double BOX_HEIGHT = 19.5;
  private static final double BOX_WIDTH = 15.5;

  private Glyphs() {}

  /** A set of this many digits in random order, with a sixth as many test images. */
  static ImageSet draw(int count, long seed) {
    return draw("glyphs", count, seed, 0)
        .withTest(draw("glyphs (test)", Math.max(1, count / 6), seed, TEST_STREAM));
  }

  private static ImageSet draw(String name, int count, long seed, long firstStream) {
    Arena arena = Arena.ofAuto();
    MemorySegment images = arena.allocate((long) count * SIZE * SIZE);
    MemorySegment labels = arena.allocate(ValueLayout.JAVA_INT, count);
    IntStream.range(0, count)
        .parallel()
        .forEach(
            i -> {
              SplitMix random = new SplitMix(seed, firstStream + i);
              int digit = random.below(CLASSES);
              labels.setAtIndex(ValueLayout.JAVA_INT, i, digit);
              drawDigit(digit, random, images.asSlice((long) i * SIZE * SIZE, SIZE * SIZE));
            });
    return ImageSet.of(
        name, count, 1, SIZE, SIZE, images.asReadOnly(), Optional.of(labels.asReadOnly()), CLASSES);
  }

  private static void drawDigit(int digit, SplitMix random, MemorySegment image) {
    Hand hand = new Hand(random);
    Coverage ink = new Coverage(SIZE, SIZE);
    for (List<double[]> stroke : STYLES.get(digit).get(random.below(STYLES.get(digit).size()))) {
      List<double[]> path = hand.place(curve(hand.jitter(stroke)));
      for (int i = 1; i < path.size(); i++) {
        ink.line(
            path.get(i - 1)[0], path.get(i - 1)[1], path.get(i)[0], path.get(i)[1], hand.penRadius);
      }
    }
    for (int y = 0; y < SIZE; y++) {
      for (int x = 0; x < SIZE; x++) {
        if (ink.at(x, y) > 0) {
          // A count of 64 fair bits has standard deviation 4: close enough to a normal, and cheap.
          double noise = (Long.bitCount(random.next()) - 32) / 4.0;
          double value = ink.at(x, y) * (hand.ink + 0.05 * noise);
          image.set(
              ValueLayout.JAVA_BYTE,
              (long) y * SIZE + x,
              (byte) Math.clamp(Math.round(255 * value), 0, 255));
        }
      }
    }
  }

  private static List<double[]> points(String stroke) {
    return Stream.of(stroke.split(" "))
        .map(point -> point.split(","))
        .map(xy -> new double[] {Integer.parseInt(xy[0]) / 100.0, Integer.parseInt(xy[1]) / 100.0})
        .toList();
  }

  /** A Catmull-Rom spline through the points (Catmull, Rom 1974), as a chain of short lines. */
  private static List<double[]> curve(List<double[]> points) {
    List<double[]> chain = new ArrayList<>();
    chain.add(points.getFirst());
    for (int i = 0; i + 1 < points.size(); i++) {
      double[] p0 = points.get(Math.max(0, i - 1));
      double[] p1 = points.get(i);
      double[] p2 = points.get(i + 1);
      double[] p3 = points.get(Math.min(points.size() - 1, i + 2));
      for (int step = 1; step <= CURVE_STEPS; step++) {
        double t = (double) step / CURVE_STEPS;
        chain.add(
            new double[] {
              spline(p0[0], p1[0], p2[0], p3[0], t), spline(p0[1], p1[1], p2[1], p3[1], t)
            });
      }
    }
    return chain;
  }

  private static double spline(double a, double b, double c, double d, double t) {
    return 0.5
        * (2 * b + t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a))));
  }

  /** One writer's hand at one moment. */
  private static final class Hand {
    private static final double JITTER = 0.022;
    private static final double BEND = 0.035;

    final double penRadius;
    final double ink;
    private final long jitterSeed;
    private final double[] bend = new double[4];
    private final double xx;
    private final double xy;
    private final double yx;
    private final double yy;
    private final double centreX;
    private final double centreY;

    Hand(SplitMix random) {
      penRadius = Math.clamp(1.05 + 0.3 * random.normal(), 0.55, 1.9);
      ink = random.uniform(0.9, 1.08);
      jitterSeed = random.next();
      for (int i = 0; i < bend.length; i++) {
        bend[i] = BEND * random.normal();
      }
      double angle = Math.clamp(0.09 * random.normal(), -0.25, 0.25);
      double slant = Math.clamp(0.14 + 0.2 * random.normal(), -0.35, 0.6);
      double height = BOX_HEIGHT * Math.clamp(1 + 0.05 * random.normal(), 0.85, 1.1);
      double width = BOX_WIDTH * Math.clamp(1 + 0.13 * random.normal(), 0.65, 1.3);
      double cos = StrictMath.cos(angle);
      double sin = StrictMath.sin(angle);
      // Scale and slant first (x grows upwards along the slant), then turn.
      xx = cos * width;
      xy = -cos * slant * height - sin * height;
      yx = sin * width;
      yy = -sin * slant * height + cos * height;
      centreX = SIZE / 2.0 + Math.clamp(0.8 * random.normal(), -2.0, 2.0);
      centreY = SIZE / 2.0 + Math.clamp(0.8 * random.normal(), -2.0, 2.0);
    }

    /**
     * Moves each control point a little; equal points move alike, so strokes that meet still do.
     */
    List<double[]> jitter(List<double[]> points) {
      List<double[]> moved = new ArrayList<>();
      for (double[] point : points) {
        SplitMix random =
            new SplitMix(jitterSeed, Math.round(point[0] * 100) * 101 + Math.round(point[1] * 100));
        moved.add(
            new double[] {
              point[0] + JITTER * random.normal(), point[1] + JITTER * random.normal()
            });
      }
      return moved;
    }

    /** From the digit's box to the image. */
    List<double[]> place(List<double[]> points) {
      List<double[]> placed = new ArrayList<>();
      for (double[] point : points) {
        double u = point[0] - 0.5;
        double v = point[1] - 0.5;
        double x = u + (1 - 4 * v * v) * (bend[0] + 2.6 * bend[1] * v);
        double y = v + (1 - 4 * u * u) * (bend[2] + 2.6 * bend[3] * u);
        placed.add(new double[] {centreX + xx * x + xy * y, centreY + yx * x + yy * y});
      }
      return placed;
    }
  }
}
