package dev.kantor.bench.libtorch;

import static org.bytedeco.pytorch.global.torch.binary_cross_entropy;
import static org.bytedeco.pytorch.global.torch.binary_cross_entropy_with_logits;
import static org.bytedeco.pytorch.global.torch.cat;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * A CVAE-GAN (Bao et al. 2017): encoder and decoder, which have one optimiser, a critic and a
 * classifier, and the three updates of an iteration. Tensors belong to the caller's pointer scope.
 */
final class CvaeTraining {
  private static final Scalar ONE = new Scalar(1);
  private static final Scalar TWO = new Scalar(2);
  private static final long MEAN = 1; // the reductions' numbers in the framework
  private static final long SUM = 2;

  /**
   * Weights of the terms of the autoencoder's loss, by default Kantor's.
   *
   * @param squaredError whether reconstructions are compared by it and not by BCE
   */
  record Weights(
      double reconstruction,
      double divergence,
      double adversarial,
      double classification,
      boolean squaredError) {
    static Weights of(Options options) {
      return new Weights(
          options.number("reconstruction-weight", 1),
          options.number("divergence-weight", 10),
          options.number("adversarial-weight", 2),
          options.number("class-weight", 20),
          switch (options.text("reconstruction", "bce")) {
            case "bce" -> false;
            case "squared-error" -> true;
            default ->
                throw new Options.UsageException("--reconstruction must be bce or squared-error");
          });
    }
  }

  /**
   * What an iteration found.
   *
   * @param losses scalars by name
   * @param gradients of all parameters, by name
   */
  record Update(Map<String, Tensor> losses, Map<String, Tensor> gradients) {}

  private final Weights weights;
  private final Network trunk;
  private final Network mean;
  private final Network logScale;
  private final Network decoder;
  private final Network critic;
  private final Network classifier;
  private final Optimiser ofVae;
  private final Optimiser ofCritic;
  private final Optimiser ofClassifier;

  CvaeTraining(Settings settings, Weights weights, Map<String, Tensor> named) {
    this.weights = weights;
    trunk = Networks.encoderTrunk(named);
    mean = Networks.head("mean", named);
    logScale = Networks.head("log_scale", named);
    decoder = Networks.decoder(named);
    critic = Networks.critic(settings, named);
    classifier = Networks.convolutionalCritic("classifier", named, Network.Builder::leakyRelu);
    ofVae = Optimiser.of(settings, autoencoder());
    ofCritic = Optimiser.of(settings, critic);
    ofClassifier = Optimiser.of(settings, classifier);
  }

  private Network[] autoencoder() {
    return new Network[] {trunk, mean, logScale, decoder};
  }

  /**
   * An update of the classifier, one of the critic, one of the autoencoder.
   *
   * @param images [B, pixels] in [0, 1]
   * @param classes [B, classes], one-hot
   * @param criticNoise [B, latent], or [B, latent + classes] if it stands for the classes as well
   * @param codeNoise [B, latent]
   */
  Update iteration(Tensor images, Tensor classes, Tensor criticNoise, Tensor codeNoise) {
    Update all = new Update(new LinkedHashMap<>(), new LinkedHashMap<>());
    classifierStep(all, images, classes);
    criticStep(all, images, classes, criticNoise);
    vaeStep(all, images, classes, codeNoise);
    return all;
  }

  private void classifierStep(Update all, Tensor images, Tensor classes) {
    Tensor loss = crossEntropy(classifier.forward(images), classes);
    all.losses.put("classifier_loss", loss);
    step(all, loss, ofClassifier, classifier);
  }

  private void criticStep(Update all, Tensor images, Tensor classes, Tensor noise) {
    Tensor fake =
        Training.withoutGradient(
            () -> decoder.forward(noise.size(1) == inputs() ? noise : join(noise, classes, 1)));
    long batch = images.size(0);
    Tensor scores = critic.forward(join(images, fake, 0));
    Tensor onReal = scores.narrow(0, 0, batch);
    Tensor onFake = scores.narrow(0, batch, batch);
    Tensor loss =
        binary_cross_entropy_with_logits(onReal, torch.ones_like(onReal))
            .add(binary_cross_entropy_with_logits(onFake, torch.zeros_like(onFake)));
    all.losses.put("critic_loss", loss);
    step(all, loss, ofCritic, critic);
  }

  private void vaeStep(Update all, Tensor images, Tensor classes, Tensor noise) {
    long batch = images.size(0);
    Tensor perImage = images.view(batch, channels(), side(images), side(images));
    Tensor features = trunk.forward(perImage);
    Tensor center = mean.forward(features);
    Tensor scale = logScale.forward(features);
    Tensor code = torch.addcmul(center, noise, scale.exp());
    Tensor made = decoder.forward(join(code, classes, 1));
    Tensor sum =
        weights.squaredError
            ? torch.mse_loss(made, images, SUM)
            : binary_cross_entropy(made, images, new TensorOptional(), SUM);
    Scalar share = new Scalar(1.0 / batch);
    Tensor reconstruction = sum.mul(share);
    Tensor divergence =
        scale
            .mul(TWO)
            .add(ONE)
            .sub(center.square())
            .sub(scale.mul(TWO).exp())
            .sum()
            .mul(new Scalar(-0.5 / batch));
    Tensor judged = critic.forward(made);
    Tensor adversarial = binary_cross_entropy_with_logits(judged, torch.ones_like(judged));
    Tensor recognised = crossEntropy(classifier.forward(made), classes);
    all.losses.put("reconstruction_loss", reconstruction);
    all.losses.put("divergence", divergence);
    all.losses.put("generator_loss", adversarial);
    all.losses.put("class_loss", recognised);
    Tensor loss =
        reconstruction
            .mul(new Scalar(weights.reconstruction))
            .add(divergence.mul(new Scalar(weights.divergence)))
            .add(adversarial.mul(new Scalar(weights.adversarial)))
            .add(recognised.mul(new Scalar(weights.classification)));
    step(all, loss, ofVae, autoencoder());
  }

  /** Parameters and running statistics by name; they change with every update. */
  void putState(Map<String, Tensor> named) {
    List<Network> networks = new ArrayList<>(List.of(autoencoder()));
    networks.addAll(List.of(critic, classifier));
    for (Network network : networks) {
      named.putAll(network.parameters());
      named.putAll(network.buffers());
    }
  }

  /** Width of what the decoder takes: code and classes. */
  private long inputs() {
    return decoder.weights().getFirst().size(1);
  }

  private long channels() {
    return trunk.weights().getFirst().size(1);
  }

  private long side(Tensor images) {
    return Math.round(Math.sqrt((double) images.size(1) / channels()));
  }

  private static void step(Update all, Tensor loss, Optimiser optimiser, Network... networks) {
    List<Tensor> parameters = new ArrayList<>();
    List<String> names = new ArrayList<>();
    for (Network network : networks) {
      parameters.addAll(network.parameters().values());
      names.addAll(network.parameters().keySet());
    }
    TensorVector gradients =
        Training.gradients(loss, new TensorVector(parameters.toArray(Tensor[]::new)), false);
    for (int i = 0; i < names.size(); i++) {
      all.gradients.put(names.get(i), gradients.get(i));
    }
    Training.withoutGradient(
        () -> {
          optimiser.step(gradients);
          return null;
        });
  }

  private static Tensor crossEntropy(Tensor logits, Tensor classes) {
    return torch.cross_entropy_loss(logits, classes, new TensorOptional(), MEAN, -100, 0);
  }

  private static Tensor join(Tensor a, Tensor b, long dimension) {
    return cat(new TensorVector(a, b), dimension);
  }
}
