package dev.kantor.bench.libtorch;

import java.util.Map;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The variants' networks, made from tensors named {@code NETWORK.LAYER.weight} and so on, whose
 * shapes say how wide they are, and first values at the specification's sizes. Images are square
 * and come and go flat, [B, channels * side * side].
 */
final class Networks {
  /** Side of the images that the first values are for; they have one channel. */
  static final int SIDE = 28;

  /** Size of the noise that the first values are for. */
  static final int LATENT = 100;

  /** Classes of the labels. */
  static final int CLASSES = 10;

  private static final long PIXELS = (long) SIDE * SIDE;
  private static final long HIDDEN = 256;

  private Networks() {}

  /** The generator of a variant: noise [B, latent] to images in [-1, 1]. */
  static Network generator(Variant variant, Map<String, Tensor> named) {
    return variant.convolutional
        ? convolutionalGenerator(named)
        : mlp("generator", named, Network.Builder::relu).tanh().build();
  }

  /** The critic: images to scores [B, 1]. */
  static Network critic(Settings settings, Map<String, Tensor> named) {
    UnaryOperator<Network.Builder> activation =
        settings.smoothCritic() ? Network.Builder::softplus : Network.Builder::leakyRelu;
    return settings.variant().convolutional
        ? convolutionalCritic("critic", named, activation)
        : mlp("critic", named, activation).build();
  }

  /**
   * The trunk of an autoencoder's encoder: images [B, channels, side, side] to features, three
   * convolutions with batch norm and leaky ReLU, the first two of stride 2. Its two heads are
   * {@link #head}.
   */
  static Network encoderTrunk(Map<String, Tensor> named) {
    return new Network.Builder("encoder", named)
        .convolution(2, 1)
        .batchNorm()
        .leakyRelu()
        .convolution(2, 1)
        .batchNorm()
        .leakyRelu()
        .convolution(1, 1)
        .batchNorm()
        .leakyRelu()
        .view(size(named, "encoder.mean", 1))
        .build();
  }

  /** The linear layer {@code encoder.NAME} upon the trunk. */
  static Network head(String name, Map<String, Tensor> named) {
    return new Network.Builder("encoder", named).linear(name).build();
  }

  /** Codes and one-hot classes [B, latent + classes] to images in [0, 1], of a side 4 divides. */
  static Network decoder(Map<String, Tensor> named) {
    long planes = size(named, "decoder.2", 0);
    long side = root(size(named, "decoder.0", 0) / planes);
    long channels = size(named, "decoder.4", 1);
    return new Network.Builder("decoder", named)
        .linear()
        .view(planes, side, side)
        .transposedConvolution(2, 1)
        .relu()
        .transposedConvolution(2, 1)
        .sigmoid()
        .view(channels * 4 * side * 4 * side)
        .build();
  }

  /** First values of an autoencoder, its critic and its classifier. */
  static Map<String, Tensor> initialAutoencoder(ScalarType type) {
    long flat = 32 * PIXELS / 16;
    Initial initial =
        new Initial(type)
            .convolution("encoder.0", 1, 16, 3)
            .batchNorm("encoder.1", 16)
            .convolution("encoder.3", 16, 32, 3)
            .batchNorm("encoder.4", 32)
            .convolution("encoder.6", 32, 32, 3)
            .batchNorm("encoder.7", 32)
            .linear("encoder.mean", flat, LATENT)
            .linear("encoder.log_scale", flat, LATENT)
            .linear("decoder.0", LATENT + CLASSES, flat)
            .transposedConvolution("decoder.2", 32, 16, 4)
            .transposedConvolution("decoder.4", 16, 1, 4);
    putConvolutionalCritic(initial, "critic", 1);
    putConvolutionalCritic(initial, "classifier", CLASSES);
    return initial.named();
  }

  /** First values of both networks. */
  static Map<String, Tensor> initial(Variant variant, ScalarType type) {
    Initial initial = new Initial(type);
    if (variant.convolutional) {
      initial
          .linear("generator.0", LATENT, 4 * PIXELS)
          .batchNorm("generator.2", 1)
          .convolution("generator.4", 1, 64, 3)
          .batchNorm("generator.5", 64)
          .convolution("generator.7", 64, 32, 3)
          .batchNorm("generator.8", 32)
          .convolution("generator.10", 32, 1, 3);
      putConvolutionalCritic(initial, "critic", 1);
    } else {
      initial
          .linear("generator.0", LATENT, HIDDEN)
          .linear("generator.2", HIDDEN, HIDDEN)
          .linear("generator.4", HIDDEN, PIXELS)
          .linear("critic.0", PIXELS, HIDDEN)
          .linear("critic.2", HIDDEN, HIDDEN)
          .linear("critic.4", HIDDEN, 1);
    }
    return initial.named();
  }

  /** Linear layers 0, 2, 4, ..., activations between. */
  private static Network.Builder mlp(
      String name, Map<String, Tensor> named, UnaryOperator<Network.Builder> activation) {
    Network.Builder b = new Network.Builder(name, named).linear();
    for (int i = 2; named.containsKey(name + "." + i + ".weight"); i += 2) {
      b = activation.apply(b).linear();
    }
    return b;
  }

  /** A linear layer to one plane of twice the side, three convolutions, the last of stride 2. */
  private static Network convolutionalGenerator(Map<String, Tensor> named) {
    long side = root(size(named, "generator.0", 0));
    long channels = size(named, "generator.10", 0);
    return new Network.Builder("generator", named)
        .linear()
        .view(1, side, side)
        .batchNorm()
        .relu()
        .convolution(1, 1)
        .batchNorm()
        .relu()
        .convolution(1, 1)
        .batchNorm()
        .relu()
        .convolution(2, 1)
        .tanh()
        .view(channels * (side / 2) * (side / 2))
        .build();
  }

  /**
   * Two convolutions, each with an activation and max-pooling, then two linear layers.
   *
   * @param name of the network: a classifier differs from a critic in the width of its last layer
   */
  static Network convolutionalCritic(
      String name, Map<String, Tensor> named, UnaryOperator<Network.Builder> activation) {
    long channels = size(named, name + ".1", 1);
    long flat = size(named, name + ".8", 1);
    long side = 4 * root(flat / size(named, name + ".4", 0));
    Network.Builder b = new Network.Builder(name, named).view(channels, side, side);
    activation.apply(b.convolution(1, 1)).maxPool(2);
    activation.apply(b.convolution(1, 1)).maxPool(2);
    return activation.apply(b.view(flat).linear()).linear().build();
  }

  /** First values of {@link #convolutionalCritic}, of so many outputs. */
  static void putConvolutionalCritic(Initial initial, String name, long outputs) {
    initial
        .convolution(name + ".1", 1, 32, 3)
        .convolution(name + ".4", 32, 64, 3)
        .linear(name + ".8", 64 * PIXELS / 16, 1024)
        .linear(name + ".10", 1024, outputs);
  }

  private static long size(Map<String, Tensor> named, String layer, int dimension) {
    return Network.get(named, layer + ".weight").size(dimension);
  }

  private static long root(long area) {
    return Math.round(Math.sqrt(area));
  }
}
