package dev.kantor.metrics;

import dev.kantor.gan.Classifier;
import dev.kantor.graph.Trace;
import dev.kantor.io.Sha256;
import dev.kantor.nn.Activation;
import dev.kantor.nn.ConvNets;
import dev.kantor.nn.DiffAugment;
import dev.kantor.nn.DiffAugment.Policy;
import dev.kantor.nn.Initialisation;
import dev.kantor.nn.Sequential;
import dev.kantor.optim.Optimizer;
import dev.kantor.tensor.Shape;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What a judge is and how it is trained: the classifier's network with one class more, "not a
 * digit".
 *
 * @param channels of the images it judges
 * @param classes of the data; the class after the last is none of them
 * @param epochs passes over the images and those that are none
 * @param seed of parameters, order and {@link NotDigits}
 */
public record JudgeDesign(int channels, int height, int width, int classes, int epochs, long seed) {
  /** Goes up with every change that makes another judge of the same data. */
  public static final int VERSION = 2;

  /** About 98.9 % of MNIST's test images are then judged right. */
  public static final int DEFAULT_EPOCHS = 4;

  public static final long DEFAULT_SEED = 1;

  /**
   * Width of the hidden layer, whose activations are the features. The classifier's 1024 would need
   * a covariance of 525,000 numbers, far too many for 10,000 samples: the distance of two sets from
   * one source would be large, and depend on their size more than on their quality. Of 128 features
   * the 8,256 numbers are well determined.
   */
  public static final int FEATURES = 128;

  /** A fifth as many images that are none as there are images. */
  static final int IMAGES_FOR_ONE_THAT_IS_NONE = 5;

  private static final List<Long> CONVOLUTIONS = List.of(32L, 64L);
  private static final long BATCH = 64;
  private static final double LEARNING_RATE = 1e-3; // Kingma, Ba 2015, and of the classifier

  /**
   * Of the hidden layer's inputs and outputs, dropped in training (Srivastava et al. 2014). Fewer
   * than the half of the paper, for the layer is narrow.
   */
  private static final double DROPOUT = 0.25;

  private static final double BETA1 = 0.9;
  private static final double BETA2 = 0.999;

  public JudgeDesign {
    if (channels < 1 || height < 4 || width < 4 || classes < 1 || epochs < 1) {
      throw new IllegalArgumentException(
          "a judge takes images of at least 4 x 4 in at least one class, and at least one epoch: "
              + channels
              + " x "
              + height
              + " x "
              + width
              + ", "
              + classes
              + " classes, "
              + epochs
              + " epochs");
    }
  }

  int numbers() {
    return channels * height * width;
  }

  /** Images [rows, numbers] in [0, 1] to logits [rows, classes + 1]. */
  Sequential network() {
    return ConvNets.classifier(
        "judge",
        channels,
        height,
        width,
        CONVOLUTIONS,
        FEATURES,
        classes + 1,
        Activation.LEAKY_RELU,
        DROPOUT,
        Initialisation.FRAMEWORK);
  }

  /**
   * The network in training on so many images, which it sees moved about, with a learning rate that
   * falls to 0 in the last epoch.
   */
  Classifier classifier(long images) {
    return new Classifier(
        new DiffAugment(network(), Set.of(Policy.TRANSLATION), Shape.of(channels, height, width)),
        new Optimizer.Scheduled(
            new Optimizer.Adam(LEARNING_RATE, BETA1, BETA2, Optimizer.Adam.DEFAULT_EPSILON, 0),
            Trace.Fall.COSINE,
            epochs,
            0),
        Math.min(BATCH, images),
        classes + 1);
  }

  /** Everything that decides the numbers of a judge of some images. */
  Map<String, String> configuration(String fingerprint, long images) {
    Map<String, String> c = new LinkedHashMap<>();
    c.put("judge-version", Integer.toString(VERSION));
    c.put("data-fingerprint", fingerprint);
    c.put("images", Long.toString(images));
    c.put("image", channels + "x" + height + "x" + width);
    c.put("classes", Integer.toString(classes));
    c.put("features", Integer.toString(FEATURES));
    c.put("epochs", Integer.toString(epochs));
    c.put("seed", Long.toString(seed));
    return c;
  }

  /** The name of its file: another for every other configuration. */
  static String fileName(String data, Map<String, String> configuration) {
    String hash = new Sha256().update(configuration.toString()).hex().substring(0, 12);
    return "judge-v"
        + VERSION
        + "-"
        + data.replaceAll("[^A-Za-z0-9-]+", "-")
        + "-"
        + hash
        + ".safetensors";
  }
}
