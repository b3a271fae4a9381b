package dev.kantor.gan;

import dev.kantor.graph.State;
import dev.kantor.graph.Value;
import dev.kantor.nn.Activation;
import dev.kantor.nn.ConvNets;
import dev.kantor.nn.Initialisation;
import dev.kantor.nn.Module;
import dev.kantor.nn.Sequential;
import dev.kantor.nn.Vae;
import dev.kantor.optim.Optimizer;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * A variational autoencoder whose decoder is told the class and is judged by a critic and by a
 * classifier (CVAE-GAN, Bao et al. 2017).
 *
 * @param encoder images in [0, 1] to codes
 * @param decoder [rows, latent + classes] to images before their sigmoid
 * @param critic images to scores [rows, 1] before their sigmoid
 * @param classifier images to logits [rows, classes]
 * @param weights of the terms of the autoencoder's loss
 * @param freeNoise whether the critic's generated samples come from N(0, I) in all of the decoder's
 *     inputs, the class's too; else from noise and the batch's classes
 * @param ema decay of the decoder's moving average, 0: none
 */
public record CvaeGan(
    Vae.Encoder encoder,
    Sequential decoder,
    Module critic,
    Module classifier,
    Weights weights,
    Fidelity fidelity,
    boolean freeNoise,
    Optimizer vaeOptimizer,
    Optimizer criticOptimizer,
    Optimizer classifierOptimizer,
    double ema,
    int criticSteps,
    long batchSize,
    long latent,
    long classes)
    implements Model {

  /** Weights of the terms of the autoencoder's loss, none negative. */
  public record Weights(
      double reconstruction, double divergence, double adversarial, double classification) {
    public Weights {
      if (!(reconstruction >= 0 && divergence >= 0 && adversarial >= 0 && classification >= 0)) {
        throw new IllegalArgumentException(
            "the weights of the loss must not be negative: "
                + List.of(reconstruction, divergence, adversarial, classification));
      }
    }
  }

  /** How reconstructions are compared with images: summed over pixels, averaged over the batch. */
  public enum Fidelity {
    /** Binary cross-entropy, pixels as probabilities. */
    BCE,
    SQUARED_ERROR
  }

  public CvaeGan {
    Objects.requireNonNull(encoder, "encoder");
    Objects.requireNonNull(decoder, "decoder");
    Objects.requireNonNull(critic, "critic");
    Objects.requireNonNull(classifier, "classifier");
    Objects.requireNonNull(weights, "weights");
    Objects.requireNonNull(fidelity, "fidelity");
    if (criticSteps < 1 || batchSize < 1 || latent < 1 || classes < 1) {
      throw new IllegalArgumentException(
          "critic steps, batch size, latent size and classes must be positive: "
              + List.of(criticSteps, batchSize, latent, classes));
    }
  }

  /**
   * The model that settings describe.
   *
   * @throws IllegalArgumentException naming the setting that has no good value
   */
  public static CvaeGan of(Settings s, long channels, long height, long width) {
    Initialisation init = Initialisation.of(s.text("init"));
    long latent = s.integer("latent", 1);
    long classes = s.integer("classes", 1);
    Module[] judges = new Module[2];
    for (int i = 0; i < judges.length; i++) {
      judges[i] =
          ConvNets.critic(
              i == 0 ? "critic" : "classifier",
              channels,
              height,
              width,
              s.integers("critic-channels"),
              s.integer("critic-dense", 1),
              i == 0 ? 1 : classes,
              Activation.of(s.text("critic-activation")),
              init);
    }
    return new CvaeGan(
        Vae.encoder(
            "encoder", channels, height, width, s.integers("encoder-channels"), latent, init),
        Vae.decoder(
            "decoder",
            latent + classes,
            s.integers("decoder-channels"),
            channels,
            height,
            width,
            init),
        judges[0],
        judges[1],
        new Weights(
            s.number("reconstruction-weight"),
            s.number("divergence-weight"),
            s.number("adversarial-weight"),
            s.number("class-weight")),
        s.choice("reconstruction", "bce", "squared-error").equals("bce")
            ? Fidelity.BCE
            : Fidelity.SQUARED_ERROR,
        s.choice("d-noise", "latent", "free").equals("free"),
        s.optimizer(s.rate("generator-learning-rate")),
        s.optimizer(s.number("learning-rate")),
        s.optimizer(s.number("learning-rate")),
        s.number("ema"),
        (int) s.integer("critic-steps", 1),
        s.integer("batch-size", 1),
        latent,
        classes);
  }

  /** The encoder's parts and the decoder, which are trained together. */
  List<Module> autoencoder() {
    return List.of(encoder.trunk(), encoder.mean(), encoder.logScale(), decoder);
  }

  @Override
  public int batchesPerIteration() {
    return criticSteps;
  }

  @Override
  public Optional<Generation> generation() {
    return Optional.of(
        new Generation(
            Sequential.of(decoder, Activation.SIGMOID),
            latent,
            classes,
            Generation.Range.UNIT,
            ema > 0));
  }

  @Override
  public CvaeUpdates bind(State state) {
    return new CvaeUpdates(this, state);
  }

  /** Where an iteration's batches and random numbers come from. */
  public interface Inputs {
    /** Images [batch, features] in [0, 1] of a critic step. */
    Value images(int step);

    /** Their one-hot classes [batch, classes]. */
    Value classes(int step);

    /** Noise of a critic step: [batch, latent], or [batch, latent + classes] if it is free. */
    Value criticNoise(int step);

    /** Noise [batch, latent] of the codes of the last batch. */
    Value codeNoise();
  }
}
