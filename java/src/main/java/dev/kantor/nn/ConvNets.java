package dev.kantor.nn;

import java.util.ArrayList;
import java.util.List;

/**
 * The convolutional networks of the family. Layers are numbered as the field's frameworks number a
 * sequence.
 */
public final class ConvNets {
  private ConvNets() {}

  /**
   * Noise to images: a linear layer to one plane of twice the size, then three 3 x 3 convolutions
   * with batch norm and ReLU between, the last with stride 2 and tanh.
   *
   * @param widths channels after the first and the second convolution
   * @return a module from [rows, latent] to [rows, channels * height * width] in [-1, 1]
   */
  public static Sequential generator(
      String name,
      long latent,
      List<Long> widths,
      long channels,
      long height,
      long width,
      Initialisation init) {
    requireTwo("the generator", widths);
    long a = widths.get(0);
    long b = widths.get(1);
    return Sequential.of(
        Linear.of(name + ".0", latent, 4 * height * width, init),
        View.of(1, 2 * height, 2 * width),
        BatchNorm.of(name + ".2", 1),
        Activation.RELU,
        Conv2d.of(name + ".4", 1, a, 3, 1, 1, init),
        BatchNorm.of(name + ".5", a),
        Activation.RELU,
        Conv2d.of(name + ".7", a, b, 3, 1, 1, init),
        BatchNorm.of(name + ".8", b),
        Activation.RELU,
        Conv2d.of(name + ".10", b, channels, 3, 2, 1, init),
        Activation.TANH,
        View.of(channels * height * width));
  }

  /**
   * Images to scores: two 3 x 3 convolutions, each with leaky ReLU and 2 x 2 max-pooling, then a
   * hidden and an output linear layer.
   *
   * @param widths channels of the convolutions
   * @param hidden width of the hidden linear layer
   * @param outputs scores a row: 1 for a critic, the classes for a classifier
   * @return a module from [rows, channels * height * width] to [rows, outputs]
   */
  public static Sequential critic(
      String name,
      long channels,
      long height,
      long width,
      List<Long> widths,
      long hidden,
      long outputs,
      Activation between,
      Initialisation init) {
    requireTwo("the critic", widths);
    long a = widths.get(0);
    long b = widths.get(1);
    long flat = b * (height / 4) * (width / 4);
    return Sequential.of(
        View.of(channels, height, width),
        Conv2d.of(name + ".1", channels, a, 3, 1, 1, init),
        between,
        new MaxPool2d(2, 2),
        Conv2d.of(name + ".4", a, b, 3, 1, 1, init),
        between,
        new MaxPool2d(2, 2),
        View.of(flat),
        Linear.of(name + ".8", flat, hidden, init),
        between,
        Linear.of(name + ".10", hidden, outputs, init));
  }

  /**
   * A critic with a score for each class, which drops inputs and outputs of its hidden linear layer
   * in training. Dropping does not count in the numbers of the layers: tensors fit networks with
   * and without.
   *
   * @param dropout the share that is dropped, in [0, 1)
   */
  public static Sequential classifier(
      String name,
      long channels,
      long height,
      long width,
      List<Long> widths,
      long hidden,
      long classes,
      Activation between,
      double dropout,
      Initialisation init) {
    List<Module> layers = new ArrayList<>();
    for (Module layer :
        critic(name, channels, height, width, widths, hidden, classes, between, init).modules()) {
      if (layer instanceof Linear) {
        layers.add(new Dropout(dropout));
      }
      layers.add(layer);
    }
    return new Sequential(layers);
  }

  private static void requireTwo(String what, List<Long> widths) {
    if (widths.size() != 2) {
      throw new IllegalArgumentException(
          what + " has two inner convolutions and so takes two channel counts, not " + widths);
    }
  }
}
