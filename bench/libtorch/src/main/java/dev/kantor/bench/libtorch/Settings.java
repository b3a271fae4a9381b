package dev.kantor.bench.libtorch;

/**
 * The hyper-parameters of a variant.
 *
 * @param variant networks and objective
 * @param learningRate of both networks
 * @param beta1 Adam's first decay
 * @param beta2 Adam's second decay
 * @param clip the bound of the critic's weights, used by wgan and wdcgan
 * @param lambda the weight of the gradient penalty, used by wgan-gp and wdcgan-gp
 * @param smoothCritic whether the critic has softplus in place of leaky ReLU
 */
record Settings(
    Variant variant,
    double learningRate,
    double beta1,
    double beta2,
    double clip,
    double lambda,
    boolean smoothCritic) {

  /** LeakyReLU's slope in the critic. */
  static final double SLOPE = 0.2;

  static final double EPSILON = 1e-8; // Adam's and RMSprop's, outside the root
  static final double RMSPROP_ALPHA = 0.99;

  private static final double CLIP = 0.05;
  private static final double LAMBDA = 10; // Gulrajani et al. 2017, section 4

  Settings {
    requirePositive("learning-rate", learningRate);
    requirePositive("clip", clip);
    requirePositive("lambda", lambda);
    requireDecay("beta1", beta1);
    requireDecay("beta2", beta2);
  }

  /**
   * The defaults of a variant, overridden by {@code --learning-rate --beta1 --beta2 --clip --lambda
   * --critic-activation leaky-relu|softplus}.
   */
  static Settings of(Options options) {
    Variant variant = Variant.of(options.text("variant"));
    double learningRate =
        switch (variant.objective) {
          case MINIMAX, SATURATING -> 2e-4;
          case CLIPPED -> 5e-5;
          case PENALISED -> 1e-4;
        };
    return new Settings(
        variant,
        options.number("learning-rate", learningRate),
        options.number("beta1", 0.5),
        options.number("beta2", variant.penalised() ? 0.9 : 0.999),
        options.number("clip", CLIP),
        options.number("lambda", LAMBDA),
        isSmooth(options.text("critic-activation", "leaky-relu")));
  }

  private static boolean isSmooth(String activation) {
    return switch (activation) {
      case "leaky-relu" -> false;
      case "softplus" -> true;
      default ->
          throw new Options.UsageException(
              "--critic-activation must be leaky-relu or softplus: " + activation);
    };
  }

  private static void requirePositive(String name, double value) {
    if (!(value > 0)) {
      throw new IllegalArgumentException(name + " must be positive: " + value);
    }
  }

  private static void requireDecay(String name, double value) {
    if (!(value >= 0 && value < 1)) {
      throw new IllegalArgumentException(name + " must lie in [0, 1): " + value);
    }
  }
}
