package dev.kantor.gan;

import dev.kantor.gan.Objective.Hinge;
import dev.kantor.gan.Objective.LeastSquares;
import dev.kantor.gan.Objective.Minimax;
import dev.kantor.gan.Objective.Relativistic;
import dev.kantor.gan.Objective.Wasserstein;
import dev.kantor.gan.Regulariser.AroundData;
import dev.kantor.gan.Regulariser.GradientPenalty;
import dev.kantor.gan.Regulariser.None;
import dev.kantor.gan.Regulariser.ZeroCentred;
import dev.kantor.gan.Regulariser.ZeroCentred.Place;
import dev.kantor.graph.State;
import dev.kantor.nn.Activation;
import dev.kantor.nn.ConvNets;
import dev.kantor.nn.DiffAugment;
import dev.kantor.nn.Initialisation;
import dev.kantor.nn.Mlp;
import dev.kantor.nn.Module;
import dev.kantor.nn.Sequential;
import dev.kantor.nn.SpectralNorm;
import dev.kantor.optim.Optimizer;
import dev.kantor.tensor.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * The independent choices that make a GAN. Made from {@link Settings}, or by hand with networks and
 * losses of one's own.
 *
 * @param generator [rows, latent] to samples [rows, features] in the range
 * @param critic samples to scores [rows, 1], before any sigmoid
 * @param clip weights of the critic are clipped to [-clip, clip] after each of its updates; 0: not
 * @param range of the samples: signed for images, free for points
 * @param ema decay of the generator's moving average, 0: none
 */
public record Design(
    Module generator,
    Module critic,
    Objective objective,
    Regulariser regulariser,
    Optimizer generatorOptimizer,
    Optimizer criticOptimizer,
    double clip,
    double ema,
    int criticSteps,
    long batchSize,
    long latent,
    Generation.Range range)
    implements Model {

  public Design {
    Objects.requireNonNull(generator, "generator");
    Objects.requireNonNull(critic, "critic");
    Objects.requireNonNull(objective, "objective");
    Objects.requireNonNull(regulariser, "regulariser");
    Objects.requireNonNull(range, "range");
    if (criticSteps < 1 || batchSize < 1 || latent < 1 || !(clip >= 0)) {
      throw new IllegalArgumentException(
          "critic steps, batch size and latent size must be positive, clip not negative: "
              + criticSteps
              + ", "
              + batchSize
              + ", "
              + latent
              + ", "
              + clip);
    }
  }

  /** A design for images, whose generator gives pixels in [-1, 1]. */
  public Design(
      Module generator,
      Module critic,
      Objective objective,
      Regulariser regulariser,
      Optimizer generatorOptimizer,
      Optimizer criticOptimizer,
      double clip,
      double ema,
      int criticSteps,
      long batchSize,
      long latent) {
    this(
        generator,
        critic,
        objective,
        regulariser,
        generatorOptimizer,
        criticOptimizer,
        clip,
        ema,
        criticSteps,
        batchSize,
        latent,
        Generation.Range.SIGNED);
  }

  @Override
  public int batchesPerIteration() {
    return criticSteps;
  }

  @Override
  public long classes() {
    return 0;
  }

  @Override
  public Optional<Generation> generation() {
    return Optional.of(new Generation(generator, latent, 0, range, ema > 0));
  }

  @Override
  public Updates bind(State state) {
    return new Updates(this, state);
  }

  /**
   * The design that settings describe, for images of so many bytes whose form does not matter.
   *
   * @throws IllegalArgumentException naming the setting that has no good value
   */
  public static Design of(Settings s, long features) {
    return of(s, 1, 1, features);
  }

  /**
   * The design that settings describe, for images.
   *
   * @throws IllegalArgumentException naming the setting that has no good value
   */
  public static Design of(Settings s, long channels, long height, long width) {
    return of(s, channels, height, width, Generation.Range.SIGNED);
  }

  /**
   * The design that settings describe, for samples of so many numbers that are no pixels. They have
   * no bounds, so the generator ends in its last linear layer.
   *
   * @throws IllegalArgumentException naming the setting that has no good value, or that only images
   *     can have
   */
  public static Design ofNumbers(Settings s, long numbers) {
    for (String network : List.of("generator", "critic")) {
      if (s.text(network).equals("conv")) {
        throw new IllegalArgumentException(
            "setting "
                + network
                + " is 'conv', which takes images; on points train gan, wgan or wgan-gp, or set"
                + " generator=mlp and critic=mlp");
      }
    }
    if (!s.text("diff-augment").isEmpty()) {
      throw new IllegalArgumentException(
          "setting diff-augment is '"
              + s.text("diff-augment")
              + "', which changes images; leave it empty for points");
    }
    return of(s, 1, 1, numbers, Generation.Range.FREE);
  }

  private static Design of(
      Settings s, long channels, long height, long width, Generation.Range range) {
    long features = channels * height * width;
    Objective objective =
        switch (s.choice(
            "objective", "minimax", "wasserstein", "hinge", "least-squares", "relativistic")) {
          case "wasserstein" -> new Wasserstein();
          case "relativistic" -> new Relativistic();
          case "hinge" -> new Hinge();
          case "least-squares" -> new LeastSquares();
          default ->
              new Minimax(
                  s.choice("generator-loss", "non-saturating", "saturating").equals("saturating"));
        };
    String kind =
        s.choice("regulariser", "none", "clip", "gradient-penalty", "dragan", "r1", "r2", "r1-r2");
    boolean oneSided = s.choice("penalty-sides", "two", "one").equals("one");
    Regulariser regulariser =
        switch (kind) {
          case "gradient-penalty" -> new GradientPenalty(s.number("penalty-weight"), oneSided);
          case "dragan" -> new AroundData(s.number("penalty-weight"));
          case "r1" -> new ZeroCentred(s.number("penalty-weight"), Place.REAL);
          case "r2" -> new ZeroCentred(s.number("penalty-weight"), Place.GENERATED);
          case "r1-r2" -> new ZeroCentred(s.number("penalty-weight"), Place.BOTH);
          default -> new None();
        };
    double clip = s.number("clip");
    if (kind.equals("clip") && !(clip > 0)) {
      throw new IllegalArgumentException(
          "setting clip is '" + s.text("clip") + "'; expected a positive number");
    }
    Initialisation init = Initialisation.of(s.text("init"));
    long latent = s.integer("latent", 1);
    Module generator =
        s.choice("generator", "mlp", "conv").equals("conv")
            ? ConvNets.generator(
                "generator",
                latent,
                s.integers("generator-channels"),
                channels,
                height,
                width,
                init)
            : Mlp.of(
                "generator",
                widths(latent, s.integers("generator-hidden"), features),
                Activation.of(s.text("generator-activation")),
                range == Generation.Range.SIGNED ? Activation.TANH : null,
                false,
                init);
    String norm = s.choice("critic-norm", "none", "layer-norm", "spectral-norm");
    Activation between = Activation.of(s.text("critic-activation"));
    boolean conv = s.choice("critic", "mlp", "conv").equals("conv");
    if (conv && norm.equals("layer-norm")) {
      throw new IllegalArgumentException(
          "setting critic-norm is 'layer-norm', which only an mlp critic takes; expected none or"
              + " spectral-norm");
    }
    Sequential critic =
        conv
            ? ConvNets.critic(
                "critic",
                channels,
                height,
                width,
                s.integers("critic-channels"),
                s.integer("critic-dense", 1),
                1,
                between,
                init)
            : Mlp.of(
                "critic",
                widths(features, s.integers("critic-hidden"), 1),
                between,
                null,
                norm.equals("layer-norm"),
                init);
    Module normed = norm.equals("spectral-norm") ? SpectralNorm.around(critic) : critic;
    return new Design(
        generator,
        DiffAugment.around(normed, s.text("diff-augment"), Shape.of(channels, height, width)),
        objective,
        regulariser,
        s.optimizer(s.rate("generator-learning-rate")),
        s.optimizer(s.number("learning-rate")),
        kind.equals("clip") ? clip : 0,
        s.number("ema"),
        (int) s.integer("critic-steps", 1),
        s.integer("batch-size", 1),
        latent,
        range);
  }

  private static List<Long> widths(long first, List<Long> hidden, long last) {
    List<Long> w = new ArrayList<>(List.of(first));
    w.addAll(hidden);
    w.add(last);
    return w;
  }
}
