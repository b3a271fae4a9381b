package dev.kantor.metrics;

import dev.kantor.gan.Classifier;
import dev.kantor.graph.Trace;
import dev.kantor.io.Sha256;
import dev.kantor.nn.Activation;
import dev.kantor.nn.BatchNorm;
import dev.kantor.nn.Conv2d;
import dev.kantor.nn.DiffAugment;
import dev.kantor.nn.DiffAugment.Policy;
import dev.kantor.nn.Initialisation;
import dev.kantor.nn.Linear;
import dev.kantor.nn.MaxPool2d;
import dev.kantor.nn.Module;
import dev.kantor.nn.Parameter;
import dev.kantor.nn.Sequential;
import dev.kantor.nn.View;
import dev.kantor.optim.Optimizer;
import dev.kantor.tensor.Shape;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What a judge is and how it is trained: a convolutional classifier with one class more, "not a
 * digit".
 *
 * @param channels of the images it judges
 * @param classes of the data; the class after the last is none of them
 * @param epochs passes over the images, worn ones and those that are none
 * @param seed of parameters, order and {@link Lesson}
 */
public record JudgeDesign(int channels, int height, int width, int classes, int epochs, long seed) {
  /** Goes up with every change that makes another judge of the same data. */
  public static final int VERSION = 3;

  /** About 99.3 % (seeds 1 and 2) of MNIST's test images are then judged right. */
  public static final int DEFAULT_EPOCHS = 5;

  public static final long DEFAULT_SEED = 1;

  /**
   * Width of the hidden layer, whose activations are the features. The classifier's 1024 would need
   * a covariance of 525,000 numbers, far too many for 10,000 samples: the distance of two sets from
   * one source would be large, and depend on their size more than on their quality. Of 128 features
   * the 8,256 numbers are well determined.
   */
  public static final int FEATURES = 128;

  private static final Initialisation INIT = Initialisation.FRAMEWORK;
  private static final List<Long> CONVOLUTIONS = List.of(32L, 64L, 64L);

  /** Each convolution is followed by a pooling that halves the image. */
  private static final int LEAST_SIZE = 1 << CONVOLUTIONS.size();

  private static final long BATCH = 64;

  /** At the beginning; batch norm bears twice that of Adam's paper (Kingma, Ba 2015). */
  private static final double LEARNING_RATE = 2e-3;

  private static final double BETA1 = 0.9;
  private static final double BETA2 = 0.999;

  public JudgeDesign {
    if (channels < 1 || Math.min(height, width) < LEAST_SIZE || classes < 1 || epochs < 1) {
      throw new IllegalArgumentException(
          "a judge takes images of at least 8 x 8 in at least one class, and at least one epoch: "
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
    return network(classes + 1);
  }

  /**
   * Images [rows, numbers] in [0, 1] to logits [rows, outputs]: 3 x 3 convolutions, each with batch
   * norm, leaky ReLU and 2 x 2 max-pooling, a hidden linear layer with leaky ReLU, and the last.
   */
  private Sequential network(int outputs) {
    List<Module> layers = new ArrayList<>(List.of(View.of(channels, height, width)));
    long in = channels;
    for (long out : CONVOLUTIONS) {
      layers.add(Conv2d.of("judge." + layers.size(), in, out, 3, 1, 1, INIT));
      layers.add(BatchNorm.of("judge." + layers.size(), out));
      layers.add(Activation.LEAKY_RELU);
      layers.add(new MaxPool2d(2, 2));
      in = out;
    }
    long flat = in * (height / LEAST_SIZE) * (width / LEAST_SIZE);
    layers.add(View.of(flat));
    layers.add(Linear.of("judge." + layers.size(), flat, FEATURES, INIT));
    layers.add(Activation.LEAKY_RELU);
    layers.add(Linear.of("judge." + layers.size(), FEATURES, outputs, INIT));
    return new Sequential(layers);
  }

  /** What a trained network is: parameters, and the running statistics of its batch norms. */
  List<Parameter> tensors() {
    List<Parameter> all = new ArrayList<>(network().parameters());
    all.addAll(network().buffers());
    return all;
  }

  /** The network in training on so many images and those that are none. */
  Classifier classifier(long images) {
    return classifier(images, classes + 1, epochs);
  }

  /**
   * A network like it in training on so many images, which it sees moved about, with a learning
   * rate that falls to 0 in the last epoch.
   */
  Classifier classifier(long images, int outputs, int passes) {
    return new Classifier(
        new DiffAugment(
            network(outputs), Set.of(Policy.TRANSLATION), Shape.of(channels, height, width)),
        new Optimizer.Scheduled(
            new Optimizer.Adam(LEARNING_RATE, BETA1, BETA2, Optimizer.Adam.DEFAULT_EPSILON, 0),
            Trace.Fall.COSINE,
            passes,
            0),
        Math.min(BATCH, images),
        outputs);
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
