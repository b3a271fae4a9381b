package dev.kantor.bench.libtorch;

import static org.bytedeco.pytorch.global.torch.binary_cross_entropy_with_logits;
import static org.bytedeco.pytorch.global.torch.cat;

import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.bytedeco.pytorch.AutoGradMode;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * Both networks, their optimisers, and the two updates that an iteration is made of. Gradients are
 * taken with respect to the parameters that are updated, so the frozen network's weights get none.
 * Tensors belong to the caller's pointer scope.
 */
final class Training {
  private static final Scalar ONE = new Scalar(1);
  private static final Scalar TWO = new Scalar(2);
  private static final long[] ROWS = {1};

  private final Settings settings;
  private final Network generator;
  private final Network critic;
  private final Optimiser generatorOptimiser;
  private final Optimiser criticOptimiser;
  private final TensorVector generatorParameters;
  private final TensorVector criticParameters;
  private final Scalar lambda;
  private final ScalarOptional clipLow;
  private final ScalarOptional clipHigh;

  Training(Settings settings, Network generator, Network critic) {
    this.settings = settings;
    this.generator = generator;
    this.critic = critic;
    generatorOptimiser = Optimiser.of(settings, generator);
    criticOptimiser = Optimiser.of(settings, critic);
    generatorParameters = generator.vector();
    criticParameters = critic.vector();
    lambda = new Scalar(settings.lambda());
    clipLow = new ScalarOptional(new Scalar(-settings.clip()));
    clipHigh = new ScalarOptional(new Scalar(settings.clip()));
  }

  /**
   * What an update found before it changed anything.
   *
   * @param loss the loss that was differentiated, a scalar; a critic's includes lambda * penalty
   * @param penalty mean (||g|| - 1)^2 without lambda, a scalar; null where the variant has none
   * @param gradients of the network's parameters
   */
  record Update(Tensor loss, Tensor penalty, TensorVector gradients) {}

  /**
   * One update of the critic.
   *
   * @param real [B, pixels], scaled
   * @param z [B, latent]
   * @param alpha [B], how much of the real image each interpolate has; read where there is a
   *     penalty
   */
  Update criticStep(Tensor real, Tensor z, Tensor alpha) {
    Tensor fake = withoutGradient(() -> generator.forward(z));
    long batch = real.size(0);
    // Rows do not depend on each other, so one pass over both halves gives what two passes give, in
    // fewer calls.
    Tensor scores = critic.forward(cat(new TensorVector(real, fake), 0));
    Tensor onReal = scores.narrow(0, 0, batch);
    Tensor onFake = scores.narrow(0, batch, batch);
    Tensor loss =
        settings.variant().objective.wasserstein()
            ? onFake.mean().sub(onReal.mean())
            : binary_cross_entropy_with_logits(onReal, torch.ones_like(onReal))
                .add(binary_cross_entropy_with_logits(onFake, torch.zeros_like(onFake)));
    Tensor penalty = null;
    if (settings.variant().penalised()) {
      penalty = gradientPenalty(real, fake, alpha);
      loss = loss.add(penalty.mul(lambda));
    }
    TensorVector gradients = gradients(loss, criticParameters, false);
    withoutGradient(
        () -> {
          criticOptimiser.step(gradients);
          if (settings.variant().objective == Variant.Objective.CLIPPED) {
            for (Tensor weight : critic.weights()) {
              torch.clamp_(weight, clipLow, clipHigh);
            }
          }
          return null;
        });
    return new Update(loss, penalty, gradients);
  }

  /** One update of the generator from noise z [B, latent]. */
  Update generatorStep(Tensor z) {
    Tensor scores = critic.forward(generator.forward(z));
    Tensor loss =
        switch (settings.variant().objective) {
          case MINIMAX -> binary_cross_entropy_with_logits(scores, torch.ones_like(scores));
          case SATURATING ->
              binary_cross_entropy_with_logits(scores, torch.zeros_like(scores)).neg();
          case CLIPPED, PENALISED -> scores.mean().neg();
        };
    TensorVector gradients = gradients(loss, generatorParameters, false);
    withoutGradient(
        () -> {
          generatorOptimiser.step(gradients);
          return null;
        });
    return new Update(loss, null, gradients);
  }

  /** The parameters and running statistics by name; they change with every update. */
  void putState(Map<String, Tensor> named) {
    for (Network network : List.of(generator, critic)) {
      named.putAll(network.parameters());
      named.putAll(network.buffers());
    }
  }

  /**
   * mean_i (||d sum D(x) / d x_i||_2 - 1)^2 at x = alpha * real + (1 - alpha) * fake,
   * differentiable.
   */
  private Tensor gradientPenalty(Tensor real, Tensor fake, Tensor alpha) {
    Tensor mixed = torch.lerp(fake, real, alpha.unsqueeze(1));
    mixed.set_requires_grad(true);
    Tensor slopes = gradients(critic.forward(mixed).sum(), new TensorVector(mixed), true).get(0);
    return slopes.norm(new ScalarOptional(TWO), ROWS).sub(ONE).square().mean();
  }

  static TensorVector gradients(Tensor loss, TensorVector inputs, boolean createGraph) {
    return torch.grad(
        new TensorVector(loss),
        inputs,
        new TensorVector(),
        new BoolOptional(createGraph),
        createGraph,
        false);
  }

  static <T> T withoutGradient(Supplier<T> body) {
    try (var _ = new AutoGradMode(false)) {
      return body.get();
    }
  }
}
