package dev.kantor.metrics;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntPredicate;

/**
 * Counts the modes of images that are three digits, one a channel: a thousand, so that those lost
 * by a generator can be counted. The judge of the digits looks at each channel, as at an image of
 * its own.
 *
 * <p>The protocol is that of Srivastava et al. 2017 (VEEGAN) and Lin et al. 2018 (PacGAN): of
 * {@link #SAMPLES} samples, the number of different triples of digits, and the divergence in nats
 * of their shares from equal ones. A classifier there knows digits only, so here as well each
 * channel counts as its likeliest digit, even where the judge sees none ({@link Verdicts#nearest});
 * {@code modes-accepted} is of samples all of whose channels it takes for digits. Both depend on
 * how many samples there are: of n from all modes alike the divergence is about 999 / 2n.
 *
 * <p>The measures of the digits themselves, distance, precision and the rest, are of the channels
 * of the first images.
 */
public final class StackedModes implements Yardstick {
  /** Channels of an image. */
  public static final int CHANNELS = 3;

  /** As many samples are looked at in the literature. */
  public static final int SAMPLES = 26_000;

  /** Of as many channels, at most, the digits are compared with training images. */
  public static final int DIGITS = 10_000;

  /** What images and not their channels show. */
  private static final Set<String> OF_IMAGES =
      Set.of("classes-covered", "kl-from-uniform", "accepted");

  private final Evaluator digits;
  private final Bootstrap bootstrap;

  /**
   * @param digits compares grey images of digits; is closed with this
   * @param seed of the intervals
   */
  public StackedModes(Evaluator digits, long seed) {
    this.digits = Objects.requireNonNull(digits, "digits");
    if (digits.judge().design().channels() != 1) {
      throw new IllegalArgumentException(
          "a judge of one channel is needed, not of " + digits.judge().design().channels());
    }
    bootstrap = new Bootstrap(Bootstrap.DEFAULT_RESAMPLES, seed);
  }

  /** In whose eyes. */
  public Judge judge() {
    return digits.judge();
  }

  /**
   * Evaluates images. The histogram is of the samples of {@code modes-accepted}.
   *
   * @param images u8 [count, 3, height, width]
   * @param requested the mode of each, as a number whose first digit is the first channel's
   */
  @Override
  public Evaluation evaluate(MemorySegment images, Optional<int[]> requested) {
    JudgeDesign design = judge().design();
    long bytes = (long) CHANNELS * design.numbers();
    if (images.byteSize() == 0 || images.byteSize() % bytes != 0) {
      throw new IllegalArgumentException(
          images.byteSize() + " bytes are no images of " + bytes + " each");
    }
    Verdicts verdicts = judge().judge(images);
    int count = verdicts.count() / CHANNELS;
    int modes = (int) Math.pow(design.classes(), CHANNELS);
    int[] nearest = triples(verdicts.nearest(), design.classes(), modes);
    int[] accepted = triples(verdicts.classes(), design.classes(), modes);
    ClassHistogram all = ClassHistogram.of(nearest, modes);
    ClassHistogram histogram = ClassHistogram.of(accepted, modes);
    List<Measure> measures = new ArrayList<>();
    measures.add(new Measure("modes-covered", all.covered(0), Optional.empty()));
    measures.add(new Measure("modes-accepted", histogram.covered(0), Optional.empty()));
    measures.add(new Measure("reverse-kl", all.divergenceFromUniform(), Optional.empty()));
    measures.add(share("accepted", count, i -> accepted[i] < modes));
    requested.ifPresent(r -> measures.add(share("agreement", count, i -> accepted[i] == r[i])));
    long channels = Math.min(DIGITS, verdicts.count());
    digits
        .evaluate(images.asSlice(0, channels * design.numbers()), Optional.empty())
        .measures()
        .stream()
        .filter(m -> !OF_IMAGES.contains(m.name()))
        .forEach(measures::add);
    return new Evaluation(count, histogram, count - histogram.total(), measures);
  }

  /**
   * The mode of each image.
   *
   * @param classes of the channels; {@code number} or more for none
   * @return of each image, {@code modes} if a channel shows none
   */
  private static int[] triples(int[] classes, int number, int modes) {
    int[] triples = new int[classes.length / CHANNELS];
    for (int i = 0; i < triples.length; i++) {
      for (int c = 0; c < CHANNELS && triples[i] < modes; c++) {
        int digit = classes[i * CHANNELS + c];
        triples[i] = digit < number ? number * triples[i] + digit : modes;
      }
    }
    return triples;
  }

  private Measure share(String name, int count, IntPredicate holds) {
    double[] values = new double[count];
    Arrays.setAll(values, i -> holds.test(i) ? 1 : 0);
    return new Measure(
        name, Arrays.stream(values).average().orElseThrow(), Optional.of(bootstrap.mean(values)));
  }

  @Override
  public Optional<Judge> judgedBy() {
    return Optional.of(judge());
  }

  @Override
  public void close() {
    digits.close();
  }
}
