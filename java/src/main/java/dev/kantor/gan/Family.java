package dev.kantor.gan;

import java.util.ArrayList;
import java.util.List;

/** Models that have the same settings. */
public enum Family {
  /** A generator against a critic: {@link Design}. */
  GAN,
  /** {@link CvaeGan}. */
  CVAE_GAN,
  /** {@link Classifier}. */
  CLASSIFIER;

  private static final String OURS = "Kantor";
  private static final String FRAMEWORK = "PyTorch";
  private static final String GOODFELLOW = "Goodfellow et al. 2014";
  private static final String GULRAJANI = "Gulrajani et al. 2017";
  private static final String RADFORD = "Radford, Metz, Chintala 2016";
  private static final String LOSHCHILOV = "Loshchilov, Hutter 2017";
  private static final String BAO = "Bao et al. 2017";
  private static final String ACTIVATIONS = "relu, leaky-relu (0.2), tanh, sigmoid, softplus, silu";

  private static final List<Setting> LOSSES =
      List.of(
          new Setting(
              "objective",
              "minimax",
              "losses: minimax, wasserstein, hinge, least-squares, relativistic",
              GOODFELLOW),
          new Setting(
              "generator-loss",
              "non-saturating",
              "for minimax: non-saturating (-log D) or saturating (log(1 - D))",
              GOODFELLOW),
          new Setting(
              "regulariser", "none", "none, clip, gradient-penalty, dragan, r1, r2, r1-r2", OURS),
          new Setting(
              "penalty-weight",
              "10",
              "lambda of the gradient penalty and dragan, gamma of r1 and r2",
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
              OURS));

  private static final Setting CRITIC_STEPS =
      new Setting(
          "critic-steps", "1", "updates of the critic for one of the generator", GOODFELLOW);

  private static final List<Setting> OPTIMISATION =
      List.of(
          new Setting("batch-size", "64", "samples in a batch", GULRAJANI),
          new Setting("optimizer", "adam", "adam, rmsprop, sgd", OURS),
          new Setting("learning-rate", "2e-4", "step size of all networks", RADFORD),
          new Setting(
              "learning-rate-schedule",
              "constant",
              "constant, or a rate that falls by iterations: linear, cosine",
              LOSHCHILOV),
          new Setting(
              "learning-rate-epochs",
              "100",
              "linear and cosine: the rate falls for so many epochs, then it stays",
              OURS),
          new Setting(
              "learning-rate-end",
              "0",
              "linear and cosine: the share of the learning rate that it falls to",
              LOSHCHILOV));

  private static final Setting GENERATOR_RATE =
      new Setting(
          "generator-learning-rate",
          "",
          "step size of the generator; empty: as learning-rate",
          "Heusel et al. 2017");

  private static final List<Setting> MOMENTS =
      List.of(
          new Setting("beta1", "0.5", "adam: decay of the first moment; sgd: momentum", RADFORD),
          new Setting("beta2", "0.999", "adam: decay of the second moment", "Kingma, Ba 2015"),
          new Setting("alpha", "0.99", "rmsprop: decay of the mean square", FRAMEWORK),
          new Setting("epsilon", "1e-8", "adam and rmsprop: added to the root", FRAMEWORK),
          new Setting(
              "weight-decay", "0", "adam: decoupled weight decay", "Loshchilov, Hutter 2019"));

  private static final List<Setting> DRAWING =
      List.of(
          new Setting(
              "ema",
              "0",
              "decay of the generator's moving average, which samples are drawn from; in iteration"
                  + " n at most (1 + n) / (10 + n); 0: off",
              "Yazici et al. 2019"),
          new Setting("latent", "100", "size of the noise z", RADFORD));

  private static final List<Setting> GAN_NETWORKS =
      List.of(
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
              OURS));

  private static final List<Setting> CONV_CRITIC =
      List.of(
          new Setting(
              "critic-channels",
              "32,64",
              "conv: channels of the convolutions of critic and classifier",
              OURS),
          new Setting(
              "critic-dense",
              "1024",
              "conv: width of the hidden linear layer of critic and classifier",
              OURS));

  private static final Setting GENERATOR_ACTIVATION =
      new Setting("generator-activation", "relu", "mlp: " + ACTIVATIONS, OURS);
  private static final Setting CRITIC_ACTIVATION =
      new Setting("critic-activation", "leaky-relu", ACTIVATIONS, OURS);
  private static final Setting DIFF_AUGMENT =
      new Setting(
          "diff-augment",
          "",
          "what the critic sees augmented: some of color,translation,cutout; empty: nothing",
          "Zhao et al. 2020");
  private static final Setting CRITIC_NORM =
      new Setting(
          "critic-norm",
          "none",
          "none, spectral-norm of its weights; mlp: layer-norm before each hidden activation",
          OURS);

  private static final List<Setting> AUTOENCODER =
      List.of(
          new Setting(
              "reconstruction",
              "bce",
              "compares pixels by bce or squared-error, summed over an image",
              BAO),
          new Setting("reconstruction-weight", "1", "weight of the reconstruction", OURS),
          new Setting("divergence-weight", "10", "weight of KL(code || N(0, I))", OURS),
          new Setting("adversarial-weight", "2", "weight of the critic's judgement", OURS),
          new Setting("class-weight", "20", "weight of the classifier's judgement", OURS),
          new Setting(
              "d-noise",
              "latent",
              "the critic's fakes: latent (noise and the batch's classes), or free (all from"
                  + " N(0, I))",
              OURS),
          new Setting(
              "encoder-channels", "16,32,32", "channels of the encoder's convolutions", OURS),
          new Setting(
              "decoder-channels",
              "32,16",
              "channels of the decoder's first planes and of its first convolution",
              OURS));

  private static final List<Setting> REGULARISED =
      List.of(
          new Setting(
              "dropout",
              "0",
              "share of the hidden linear layer's inputs and outputs that training drops",
              "Srivastava et al. 2014"),
          new Setting(
              "diff-augment",
              "",
              "what training does to images: some of color,translation,cutout; empty: nothing",
              "Zhao et al. 2020"));

  private static final Setting CLASSES =
      new Setting("classes", "10", "how many classes the labels tell apart", "MNIST");
  private static final Setting INIT =
      new Setting(
          "init", "framework", "framework (uniform, 1/sqrt(fan-in)) or normal-0.02", FRAMEWORK);

  /** Whether its models draw samples. */
  public boolean draws() {
    return this != CLASSIFIER;
  }

  /** The settings, with the values that they have if a variant says nothing else. */
  List<Setting> settings() {
    List<Setting> all = new ArrayList<>();
    switch (this) {
      case GAN -> {
        all.addAll(LOSSES);
        all.add(CRITIC_STEPS);
        all.addAll(OPTIMISATION);
        all.add(GENERATOR_RATE);
        all.addAll(MOMENTS);
        all.addAll(DRAWING);
        all.addAll(GAN_NETWORKS);
        all.addAll(CONV_CRITIC);
        all.add(GENERATOR_ACTIVATION);
        all.add(CRITIC_ACTIVATION);
        all.add(CRITIC_NORM);
        all.add(DIFF_AUGMENT);
      }
      case CVAE_GAN -> {
        all.addAll(AUTOENCODER);
        all.add(CRITIC_STEPS);
        all.addAll(OPTIMISATION);
        all.add(GENERATOR_RATE);
        all.addAll(MOMENTS);
        all.addAll(DRAWING);
        all.add(CLASSES);
        all.addAll(CONV_CRITIC);
        all.add(CRITIC_ACTIVATION);
      }
      case CLASSIFIER -> {
        all.addAll(OPTIMISATION);
        all.addAll(MOMENTS);
        all.add(CLASSES);
        all.addAll(CONV_CRITIC);
        all.add(CRITIC_ACTIVATION);
        all.addAll(REGULARISED);
      }
    }
    all.add(INIT);
    return all;
  }
}
