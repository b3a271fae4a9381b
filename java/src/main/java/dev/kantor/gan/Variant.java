package dev.kantor.gan;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A preset: default values for the settings. Generator, critic, objective, regulariser, optimiser
 * and critic steps are independent choices, so a preset is data and nothing else.
 *
 * @param name on the command line
 * @param title for people
 * @param paper where it comes from
 * @param defaults values that differ from the common defaults
 */
public record Variant(String name, String title, String paper, Map<String, String> defaults) {
  private static final String GOODFELLOW = "Goodfellow et al. 2014";
  private static final String ARJOVSKY = "Arjovsky, Chintala, Bottou 2017";
  private static final String GULRAJANI = "Gulrajani et al. 2017";
  private static final String RADFORD = "Radford, Metz, Chintala 2016";
  private static final String OURS = "Kantor";
  private static final String FRAMEWORK = "PyTorch";

  /** The presets, in the order in which the field found them. */
  public static final List<Variant> ALL =
      List.of(
          new Variant("gan", "GAN", GOODFELLOW, Map.of()),
          new Variant(
              "wgan",
              "Wasserstein GAN with weight clipping",
              ARJOVSKY,
              Map.of(
                  "objective",
                  "wasserstein",
                  "regulariser",
                  "clip",
                  "optimizer",
                  "rmsprop",
                  "learning-rate",
                  "5e-5",
                  "critic-steps",
                  "5")),
          new Variant(
              "wgan-gp",
              "Wasserstein GAN with gradient penalty",
              GULRAJANI,
              Map.of(
                  "objective",
                  "wasserstein",
                  "regulariser",
                  "gradient-penalty",
                  "learning-rate",
                  "1e-4",
                  "beta2",
                  "0.9",
                  "critic-steps",
                  "5")),
          new Variant(
              "dcgan",
              "Deep convolutional GAN",
              RADFORD,
              Map.of("generator", "conv", "critic", "conv")),
          new Variant(
              "wdcgan",
              "Convolutional Wasserstein GAN with weight clipping",
              ARJOVSKY,
              Map.of(
                  "generator",
                  "conv",
                  "critic",
                  "conv",
                  "objective",
                  "wasserstein",
                  "regulariser",
                  "clip",
                  "optimizer",
                  "rmsprop",
                  "learning-rate",
                  "5e-5",
                  "critic-steps",
                  "5")),
          new Variant(
              "wdcgan-gp",
              "Convolutional Wasserstein GAN with gradient penalty",
              GULRAJANI,
              Map.of(
                  "generator",
                  "conv",
                  "critic",
                  "conv",
                  "objective",
                  "wasserstein",
                  "regulariser",
                  "gradient-penalty",
                  "learning-rate",
                  "1e-4",
                  "beta2",
                  "0.9",
                  "critic-steps",
                  "5")));

  /**
   * Settings that every variant has, with the values they have if the variant says nothing else.
   */
  private static final List<Setting> COMMON =
      List.of(
          new Setting(
              "objective",
              "minimax",
              "losses: minimax, wasserstein, hinge, least-squares",
              GOODFELLOW),
          new Setting(
              "generator-loss",
              "non-saturating",
              "for minimax: non-saturating (-log D) or saturating (log(1 - D))",
              GOODFELLOW),
          new Setting("regulariser", "none", "none, clip, gradient-penalty, r1, r2", OURS),
          new Setting(
              "penalty-weight",
              "10",
              "lambda of the gradient penalty, gamma of r1 and r2",
              GULRAJANI),
          new Setting(
              "penalty-sides",
              "two",
              "gradient penalty: two, or one (only norms above 1)",
              GULRAJANI),
          new Setting(
              "clip",
              "0.05",
              "c: weights of linear and convolution layers are clipped to [-c, c]",
              OURS),
          new Setting(
              "critic-steps", "1", "updates of the critic for one of the generator", GOODFELLOW),
          new Setting("batch-size", "64", "samples in a batch", GULRAJANI),
          new Setting("optimizer", "adam", "adam, rmsprop, sgd", OURS),
          new Setting("learning-rate", "2e-4", "step size of both networks", RADFORD),
          new Setting(
              "generator-learning-rate",
              "",
              "step size of the generator; empty: as learning-rate",
              "Heusel et al. 2017"),
          new Setting("beta1", "0.5", "adam: decay of the first moment; sgd: momentum", RADFORD),
          new Setting("beta2", "0.999", "adam: decay of the second moment", "Kingma, Ba 2015"),
          new Setting("alpha", "0.99", "rmsprop: decay of the mean square", FRAMEWORK),
          new Setting("epsilon", "1e-8", "adam and rmsprop: added to the root", FRAMEWORK),
          new Setting(
              "weight-decay", "0", "adam: decoupled weight decay", "Loshchilov, Hutter 2019"),
          new Setting(
              "ema",
              "0",
              "decay of the generator's moving average, which samples are drawn from; 0: off",
              "Yazici et al. 2019"),
          new Setting("latent", "100", "size of the noise z", RADFORD),
          new Setting("generator", "mlp", "network: mlp or conv", OURS),
          new Setting("critic", "mlp", "network: mlp or conv", OURS),
          new Setting(
              "generator-hidden", "256,256", "mlp: widths of the generator's hidden layers", OURS),
          new Setting(
              "critic-hidden", "256,256", "mlp: widths of the critic's hidden layers", OURS),
          new Setting(
              "generator-channels",
              "64,32",
              "conv: channels after the generator's first and second convolution",
              OURS),
          new Setting(
              "critic-channels", "32,64", "conv: channels of the critic's convolutions", OURS),
          new Setting(
              "critic-dense", "1024", "conv: width of the critic's hidden linear layer", OURS),
          new Setting(
              "generator-activation",
              "relu",
              "mlp: relu, leaky-relu, tanh, sigmoid, softplus, silu",
              OURS),
          new Setting(
              "critic-activation",
              "leaky-relu",
              "relu, leaky-relu (0.2), tanh, sigmoid, softplus, silu",
              OURS),
          new Setting(
              "critic-norm",
              "none",
              "mlp: none, or layer-norm before each hidden activation of the critic",
              GULRAJANI),
          new Setting(
              "init",
              "framework",
              "framework (uniform, 1/sqrt(fan-in)) or normal-0.02",
              FRAMEWORK));

  public Variant {
    defaults = Map.copyOf(defaults);
  }

  /**
   * The preset of a name.
   *
   * @throws IllegalArgumentException listing the presets if there is none
   */
  public static Variant of(String name) {
    return ALL.stream()
        .filter(v -> v.name.equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "there is no variant '"
                        + name
                        + "'; there are "
                        + String.join(", ", ALL.stream().map(Variant::name).toList())));
  }

  /** Its settings with their defaults. */
  public Settings settings() {
    List<Setting> all = new ArrayList<>();
    for (Setting s : COMMON) {
      String value = defaults.get(s.name());
      all.add(value == null ? s : new Setting(s.name(), value, s.meaning(), paper));
    }
    return Settings.of(name, all);
  }
}
