package dev.kantor.metrics;

import dev.kantor.gan.Classification;
import dev.kantor.gan.Classifier;
import dev.kantor.gan.Learner;
import dev.kantor.gan.Samples;
import dev.kantor.graph.Program;
import dev.kantor.graph.State;
import dev.kantor.nativelib.KantorException;
import dev.kantor.nativelib.Status;
import dev.kantor.tensor.Device;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;

/**
 * What classifiers say of a generator (Shmelkov, Schmid, Alahari 2018, section 3). GAN-train is the
 * accuracy on real test images of a classifier that learnt from samples alone, which is high if
 * they are as diverse as the data; GAN-test the accuracy on samples of a classifier that learnt
 * from the data, which is high if they show what they were drawn for. Real images in the place of
 * samples show how high they get.
 *
 * @param judge learnt from the data; is not closed with this
 * @param device to learn on
 * @param training real images with labels
 * @param test real images with labels that the judge has not seen
 */
public record GanAccuracy(Judge judge, Device device, Samples training, Samples test) {
  /** There are fewer samples than the judge had images, so they are seen more often. */
  private static final int PASSES_FOR_ONE_OF_THE_JUDGES = 2;

  public GanAccuracy {
    Objects.requireNonNull(judge, "judge");
    Objects.requireNonNull(device, "device");
    for (Samples real : List.of(training, test)) {
      if (real.classes() != judge.design().classes()) {
        throw new IllegalArgumentException(
            "the judge tells "
                + judge.design().classes()
                + " classes apart, the real images have "
                + (real.classes() == 0 ? "no labels" : real.classes()));
      }
    }
  }

  /** Evaluations with the accuracies. */
  public record Both(Evaluation samples, Evaluation real) {}

  /**
   * Adds {@code gan-train} to evaluations, and {@code gan-test}, if the samples were drawn for
   * classes. If not, a classifier learns what the judge sees in them, which leaves out those in
   * which it sees none, and cannot tell whether a class was drawn for another: that is no GAN-train
   * of the paper, and is called {@code gan-train-judged}.
   *
   * @param samples of these images
   * @param images u8 [count, features]
   * @param requested the class of each
   * @param real of the test images. What is added to it is of a classifier that learnt from as many
   *     training images, and of the judge
   */
  public Both of(
      Evaluation samples, MemorySegment images, Optional<int[]> requested, Evaluation real) {
    String name = requested.isPresent() ? "gan-train" : "gan-train-judged";
    // Shared, because learners read the images from threads of their own.
    try (Arena arena = Arena.ofShared()) {
      Optional<Samples> labelled =
          labelled(images, requested.orElseGet(() -> judge.judge(images).classes()), arena);
      Evaluation ofSamples =
          samples.with(
              labelled
                  .map(l -> train(name, l))
                  .orElse(new Measure(name, Double.NaN, Optional.empty())));
      long count = labelled.map(Samples::count).orElse(test.count());
      Evaluation ofReal = real.with(train(name, evenly(count, arena)));
      if (requested.isEmpty()) {
        return new Both(ofSamples, ofReal);
      }
      int[] labels = test.labels().orElseThrow().toArray(ValueLayout.JAVA_INT);
      return new Both(
          ofSamples.with(test("gan-test", images, requested.get())),
          ofReal.with(test("gan-test", test.data(), labels)));
    }
  }

  /** Images with labels; those of no class are left out. Empty if all are. */
  private Optional<Samples> labelled(MemorySegment images, int[] classes, Arena arena) {
    int number = judge.design().classes();
    int[] kept = IntStream.range(0, classes.length).filter(i -> classes[i] < number).toArray();
    return kept.length == 0
        ? Optional.empty()
        : Optional.of(copy(images, kept, i -> classes[i], arena));
  }

  /** So many training images, at equal distances. */
  private Samples evenly(long most, Arena arena) {
    int count = (int) Math.min(most, training.count());
    int[] rows = IntStream.range(0, count).map(i -> (int) (i * training.count() / count)).toArray();
    MemorySegment labels = training.labels().orElseThrow();
    return copy(training.data(), rows, i -> labels.getAtIndex(ValueLayout.JAVA_INT, i), arena);
  }

  private Samples copy(MemorySegment images, int[] rows, IntUnaryOperator label, Arena arena) {
    long numbers = judge.design().numbers();
    MemorySegment copy = arena.allocate(rows.length * numbers, 64);
    MemorySegment labels = arena.allocate(ValueLayout.JAVA_INT, rows.length);
    for (int i = 0; i < rows.length; i++) {
      MemorySegment.copy(images, rows[i] * numbers, copy, i * numbers, numbers);
      labels.setAtIndex(ValueLayout.JAVA_INT, i, label.applyAsInt(rows[i]));
    }
    return new Samples(copy, Optional.of(labels), rows.length, judge.design().classes());
  }

  /**
   * GAN-train: a classifier like the judge, but without a class for none, learns from samples, and
   * says what the real test images show.
   *
   * @param name of the measure
   * @param samples with labels: the classes they were drawn for
   * @return the share of test images that it is right about
   * @throws IllegalArgumentException if the labels are of other classes
   */
  Measure train(String name, Samples samples) {
    JudgeDesign design = judge.design();
    int epochs = PASSES_FOR_ONE_OF_THE_JUDGES * design.epochs();
    Classifier classifier = design.classifier(samples.count(), design.classes(), epochs);
    try (State state = new State(device);
        Learner learner =
            new Learner(classifier, state, samples, design.seed(), Program.Options.DEFAULT)) {
      long iterations = epochs * learner.job().iterationsPerEpoch();
      if (learner.job().iteration().run(iterations).status() == Status.FAULT) {
        throw new KantorException(
            Status.FAULT, "the classifier of the samples diverged; report it with its data");
      }
      try (Classification classification =
          new Classification(classifier, state, design.numbers())) {
        return accuracy(
            name,
            classification.classesOf(test.data()),
            test.labels().orElseThrow().toArray(ValueLayout.JAVA_INT));
      }
    }
  }

  /**
   * GAN-test: the share of samples that the judge takes for the class that they were drawn for, had
   * it to decide for one.
   *
   * @param images u8 [count, features]
   */
  Measure test(String name, MemorySegment images, int[] requested) {
    return accuracy(name, judge.judge(images).nearest(), requested);
  }

  private Measure accuracy(String name, int[] found, int[] right) {
    double[] values = new double[found.length];
    Arrays.setAll(values, i -> found[i] == right[i] ? 1 : 0);
    Bootstrap bootstrap = new Bootstrap(Bootstrap.DEFAULT_RESAMPLES, judge.design().seed());
    return new Measure(
        name, Arrays.stream(values).average().orElseThrow(), Optional.of(bootstrap.mean(values)));
  }
}
