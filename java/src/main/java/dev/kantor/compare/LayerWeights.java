package dev.kantor.compare;

import dev.kantor.io.ElementType;
import dev.kantor.io.SafeTensors;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * How the weights of one layer of a critic are distributed.
 *
 * @param layer its name
 * @param shape of the weights
 * @param limit of the histogram, on both sides: the value that weights are clipped to, else the
 *     largest
 * @param counts weights in equal bins of [-limit, limit]
 * @param ends how many lie at the limit, on either side: within {@value #END} of it, relatively
 * @param inside how many lie just inside of that: not at the limit, but within {@value #INSIDE}
 */
public record LayerWeights(
    String layer, long[] shape, double limit, long[] counts, long ends, long inside) {
  /** Bins of a histogram; odd, so that zero has one. */
  static final int BINS = 51;

  /** So far from the limit, relatively, a weight lies at it. */
  static final double END = 0.02;

  /** So far from it, but not at it, a weight lies just inside. */
  static final double INSIDE = 0.2;

  /** What has so many times the density of what is around it stands out. */
  static final double PILE = 1.5;

  /** Chance makes it more dense by so many standard deviations once in a thousand layers. */
  private static final double DEVIATIONS = 3;

  private static final Pattern CRITIC = Pattern.compile("critic\\.(.+)\\.weight");

  public LayerWeights {
    shape = shape.clone();
    counts = counts.clone();
  }

  /**
   * Counts weights.
   *
   * @param clip what they are clipped to; 0: they are not
   */
  static LayerWeights of(String layer, long[] shape, float[] weights, double clip) {
    double largest =
        IntStream.range(0, weights.length).mapToDouble(i -> Math.abs(weights[i])).max().orElse(0);
    double limit = clip > 0 ? clip : Math.max(largest, Float.MIN_NORMAL);
    long[] counts = new long[BINS];
    long ends = 0;
    long inside = 0;
    for (float w : weights) {
      counts[(int) Math.clamp((w / limit + 1) / 2 * BINS, 0, BINS - 1)]++;
      double part = Math.abs(w) / limit;
      ends += part >= 1 - END ? 1 : 0;
      inside += part >= 1 - INSIDE && part < 1 - END ? 1 : 0;
    }
    return new LayerWeights(layer, shape, limit, counts, ends, inside);
  }

  /**
   * The critic's layers in a checkpoint, in the order in which they are applied.
   *
   * @param clip what the weights are clipped to; 0: they are not
   * @throws IOException if the file is damaged
   */
  static List<LayerWeights> read(Path checkpoint, double clip) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      SafeTensors stored = SafeTensors.open(checkpoint, arena, SafeTensors.Check.CONTENT);
      List<LayerWeights> layers = new ArrayList<>();
      stored
          .tensors()
          .forEach(
              (name, e) -> {
                Matcher m = CRITIC.matcher(name);
                if (m.matches() && e.type() == ElementType.F32 && e.shape().length > 1) {
                  layers.add(
                      of(
                          m.group(1),
                          e.shape(),
                          e.data().toArray(ValueLayout.JAVA_FLOAT_UNALIGNED),
                          clip));
                }
              });
      // critic.10 comes after critic.2.
      layers.sort(
          (a, b) ->
              a.layer.length() != b.layer.length()
                  ? Integer.compare(a.layer.length(), b.layer.length())
                  : a.layer.compareTo(b.layer));
      return layers;
    }
  }

  /** How many weights there are. */
  public long total() {
    return Arrays.stream(counts).sum();
  }

  /** Of all, how many lie at the limit. */
  public double share() {
    return (double) ends / total();
  }

  /**
   * How dense the weights are at the limit, over how dense they are just inside it or would be
   * everywhere if they were spread evenly, whichever is more. A smooth distribution that a limit
   * cuts off has about 1 if it is wide, a bell far less. It depends neither on the limit nor on the
   * layer's size.
   */
  public double pile() {
    return ends / expected();
  }

  /** Weights at the limit if nothing held them there. */
  private double expected() {
    return END * Math.max(total(), inside / (INSIDE - END));
  }

  /** Whether weights pile up at the limit, more than chance would have them in a small layer. */
  public boolean isPiled() {
    return pile() >= PILE && ends - expected() > DEVIATIONS * Math.sqrt(expected());
  }
}
