package dev.kantor.nn;

import dev.kantor.graph.Layers;
import dev.kantor.graph.Ops;
import dev.kantor.graph.Trace;
import dev.kantor.graph.Value;
import dev.kantor.tensor.Shape;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/**
 * A critic that sees real and generated images augmented alike, with gradients through the
 * augmentation (Zhao et al. 2020). Each training pass draws its own; evaluation passes augment
 * nothing.
 *
 * @param critic of rows of images
 * @param image [channels, height, width]
 */
public record DiffAugment(Module critic, Set<Policy> policies, Shape image) implements Module {
  /** What may be done to an image, each by random amounts (there, section 3.3). */
  public enum Policy {
    /** Brightness by -1/2 to 1/2, saturation times 0 to 2, contrast times 1/2 to 3/2. */
    COLOR,
    /** A move by up to an eighth of the size, zeros coming in. */
    TRANSLATION,
    /** Zeros in a square of half the size. */
    CUTOUT
  }

  public DiffAugment {
    Objects.requireNonNull(critic, "critic");
    if (image.rank() != 3) {
      throw new IllegalArgumentException("an image is [channels, height, width], not " + image);
    }
    policies = policies.isEmpty() ? Set.of() : Set.copyOf(policies);
  }

  /**
   * Policies of their names with commas between, as in {@code color,translation,cutout}.
   *
   * @throws IllegalArgumentException if there is no such policy
   */
  public static Set<Policy> policies(String names) {
    Set<Policy> all = EnumSet.noneOf(Policy.class);
    for (String name : names.isEmpty() ? new String[0] : names.split(",")) {
      all.add(
          switch (name.strip()) {
            case "color" -> Policy.COLOR;
            case "translation" -> Policy.TRANSLATION;
            case "cutout" -> Policy.CUTOUT;
            default ->
                throw new IllegalArgumentException(
                    "setting diff-augment is '"
                        + names
                        + "'; expected some of color, translation, cutout, with commas between");
          });
    }
    return all;
  }

  /**
   * The network itself if there are no policies, else one that sees images augmented.
   *
   * @param names as {@link #policies} takes them
   * @throws IllegalArgumentException if there is no such policy
   */
  public static Module around(Module network, String names, Shape image) {
    Set<Policy> policies = policies(names);
    return policies.isEmpty() ? network : new DiffAugment(network, policies, image);
  }

  @Override
  public List<Parameter> parameters() {
    return critic.parameters();
  }

  @Override
  public List<Parameter> buffers() {
    return critic.buffers();
  }

  @Override
  public Value forward(Pass pass, Value x) {
    return critic.forward(pass, pass.training() && !policies.isEmpty() ? augment(pass, x) : x);
  }

  private Value augment(Pass pass, Value x) {
    Trace t = pass.trace();
    long n = x.shape().dim(0);
    long height = image.dim(1);
    long width = image.dim(2);
    Value y = Ops.reshape(x, Shape.of(n, image.dim(0), height, width));
    if (policies.contains(Policy.COLOR)) {
      y = color(t, y);
    }
    if (policies.contains(Policy.TRANSLATION)) {
      y = Layers.translate(y, t.uniform(n, 2), height / 8, width / 8);
    }
    if (policies.contains(Policy.CUTOUT)) {
      y = Ops.mul(y, Layers.cutoutMask(t.uniform(n, 2), height / 2, width / 2, height, width));
    }
    return Ops.reshape(y, x.shape());
  }

  private static Value color(Trace t, Value x) {
    Shape planes = x.shape();
    long n = planes.dim(0);
    Value y = Ops.add(x, Ops.shift(t.uniform(n, 1, 1, 1), -0.5));
    if (planes.dim(1) > 1) {
      Value grey = meanTo(y, planes.with(1, 1));
      y = Ops.add(grey, Ops.mul(Ops.sub(y, grey), Ops.scale(t.uniform(n, 1, 1, 1), 2)));
    }
    Value mean = meanTo(y, Shape.of(n, 1, 1, 1));
    return Ops.add(mean, Ops.mul(Ops.sub(y, mean), Ops.shift(t.uniform(n, 1, 1, 1), 0.5)));
  }

  private static Value meanTo(Value x, Shape shape) {
    return Ops.scale(Ops.sumTo(x, shape), (double) shape.count() / x.shape().count());
  }
}
