package dev.kantor.metrics;

import dev.kantor.gan.Samples;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Compares images with the training images of a set, in the eyes of a judge. */
public final class Evaluator implements Yardstick {
  /** As many images, at most, are compared pairwise for precision, recall, density, coverage. */
  public static final int PAIRWISE = 5000;

  /** Of as many images, at most, the nearest training image is looked for. */
  public static final int NEAREST = 100;

  /** A distance takes long. The spread of so many is known to a tenth of itself. */
  private static final int DISTANCE_RESAMPLES = 50;

  /** Training images that are searched at a time, to hold no copy of all in floating point. */
  private static final int SEARCHED = 5000;

  private final Judge judge;
  private final Samples real;
  private final Features reference;
  private final Frechet frechet;
  private final double[][] aroundReference;
  private final Bootstrap bootstrap;

  /**
   * @param judge is closed with this
   * @param real the training images
   * @param count how many of them to compare with: they are taken at equal distances, so that a set
   *     that is sorted by class is represented
   * @param seed of the intervals
   * @throws IllegalArgumentException if there are not more images than the judge has features
   */
  public Evaluator(Judge judge, Samples real, int count, long seed) {
    this.judge = judge;
    this.real = real;
    reference = judge.judge(spread(real, count)).features();
    frechet = new Frechet(Gaussian.fit(reference));
    aroundReference =
        Neighbours.nearestOthers(
            reference.first(PAIRWISE),
            Math.max(Manifolds.PRECISION_NEIGHBOURS, Manifolds.DENSITY_NEIGHBOURS));
    bootstrap = new Bootstrap(Bootstrap.DEFAULT_RESAMPLES, seed);
  }

  private static MemorySegment spread(Samples real, int count) {
    int numbers = Math.toIntExact(real.features());
    int taken = (int) Math.min(count, real.count());
    byte[] images = new byte[Math.multiplyExact(taken, numbers)];
    for (int i = 0; i < taken; i++) {
      MemorySegment image = real.data().asSlice(i * real.count() / taken * numbers, numbers);
      MemorySegment.ofArray(images).asSlice((long) i * numbers, numbers).copyFrom(image);
    }
    return MemorySegment.ofArray(images);
  }

  /** In whose eyes. */
  public Judge judge() {
    return judge;
  }

  /** How many training images are compared with. */
  public int references() {
    return reference.count();
  }

  /**
   * Evaluates images.
   *
   * <p>The intervals tell how figures would vary over other samples of the same source, beside the
   * same training images. Those of precision, recall, density and coverage take the balls as given:
   * how much the share would vary, not how much the balls would.
   *
   * @param images u8 [count, features]
   * @param requested the class of each, if some was asked for
   * @throws IllegalArgumentException if there are not more images than the judge has features
   */
  @Override
  public Evaluation evaluate(MemorySegment images, Optional<int[]> requested) {
    int classes = judge.design().classes();
    Verdicts verdicts = judge.judge(images);
    ClassHistogram histogram = ClassHistogram.of(verdicts.classes(), classes);
    List<Measure> all = new ArrayList<>();
    all.add(
        new Measure(
            "classes-covered", histogram.covered(ClassHistogram.COVERED_SHARE), Optional.empty()));
    all.add(
        new Measure(
            "kl-from-uniform",
            histogram.divergenceFromUniform(),
            Optional.of(
                bootstrap.of(
                    verdicts.count(), rows -> divergence(verdicts.classes(), rows, classes)))));
    all.add(mean("accepted", verdicts.accepted(classes)));
    all.add(mean("confidence", verdicts.confidences()));
    requested.ifPresent(r -> all.add(mean("agreement", verdicts.agreement(r))));
    all.add(distance(verdicts.features()));
    Manifolds manifolds =
        Manifolds.of(
            reference.first(PAIRWISE),
            aroundReference,
            verdicts.features().first(PAIRWISE),
            Manifolds.PRECISION_NEIGHBOURS,
            Manifolds.DENSITY_NEIGHBOURS);
    all.add(mean("precision", manifolds.precision()));
    all.add(mean("recall", manifolds.recall()));
    all.add(mean("density", manifolds.density()));
    all.add(mean("coverage", manifolds.coverage()));
    all.add(mean("nearest-training-image", nearest(images)));
    return new Evaluation(verdicts.count(), histogram, verdicts.count() - histogram.total(), all);
  }

  private Measure distance(Features features) {
    double distance = frechet.distance(Gaussian.fit(features));
    return new Measure(
        "fd-judge",
        distance,
        Optional.of(
            new Bootstrap(DISTANCE_RESAMPLES, bootstrap.seed())
                .around(
                    distance,
                    features.count(),
                    rows -> frechet.distance(Gaussian.fit(features, rows)))));
  }

  private Measure mean(String name, double[] values) {
    return new Measure(
        name, Arrays.stream(values).average().orElseThrow(), Optional.of(bootstrap.mean(values)));
  }

  private static double divergence(int[] classes, int[] rows, int number) {
    long[] counts = new long[number];
    for (int row : rows) {
      if (classes[row] < number) {
        counts[classes[row]]++;
      }
    }
    return new ClassHistogram(counts).divergenceFromUniform();
  }

  /** Of the first images, the Euclidean distance from the nearest training image, in pixels. */
  private double[] nearest(MemorySegment images) {
    int numbers = judge.design().numbers();
    long count = Math.min(NEAREST, images.byteSize() / numbers);
    Features queries = Features.pixels(images.asSlice(0, count * numbers), numbers);
    double[] least = new double[queries.count()];
    Arrays.fill(least, Double.POSITIVE_INFINITY);
    for (long first = 0; first < real.count(); first += SEARCHED) {
      long rows = Math.min(SEARCHED, real.count() - first);
      Neighbours.Nearest[] found =
          Neighbours.nearest(
              queries,
              Features.pixels(real.data().asSlice(first * numbers, rows * numbers), numbers));
      Arrays.setAll(least, i -> Math.min(least[i], found[i].distance()));
    }
    return least;
  }

  @Override
  public Optional<Judge> judgedBy() {
    return Optional.of(judge);
  }

  @Override
  public void close() {
    judge.close();
  }
}
