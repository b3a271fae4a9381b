package dev.kantor.nn;

import dev.kantor.graph.Layers;
import dev.kantor.graph.Losses;
import dev.kantor.graph.Value;
import java.util.ArrayList;
import java.util.List;

/**
 * The networks of a convolutional variational autoencoder (Kingma, Welling 2014) whose decoder is
 * told the class, as CVAE-GAN has them (Bao et al. 2017).
 */
public final class Vae {
  private Vae() {}

  /**
   * The encoder's idea of a code: a diagonal Gaussian.
   *
   * @param mean [rows, latent]
   * @param logScale [rows, latent], the logarithm of the standard deviation
   */
  public record Code(Value mean, Value logScale) {
    /**
     * A sample that gradients pass through: see {@link Layers#gaussian}.
     *
     * @param noise [rows, latent] of N(0, I)
     */
    public Value sample(Value noise) {
      return Layers.gaussian(mean, logScale, noise);
    }

    /** The divergence from N(0, I), summed over the code and averaged over rows, in nats. */
    public Value divergence() {
      return Losses.gaussianDivergence(mean, logScale);
    }
  }

  /**
   * Images to codes: 3 x 3 convolutions with batch norm and leaky ReLU, the first two with stride
   * 2, and two linear heads upon them.
   */
  public record Encoder(Sequential trunk, Linear mean, Linear logScale) {
    /**
     * The parameters and buffers of the three parts. The parts are one after the other in no
     * forward pass: see {@link #encode}.
     */
    public List<Module> parts() {
      return List.of(trunk, mean, logScale);
    }

    /** Writes a forward pass of [rows, channels * height * width]. */
    public Code encode(Pass pass, Value x) {
      Value h = trunk.forward(pass, x);
      return new Code(mean.forward(pass, h), logScale.forward(pass, h));
    }
  }

  /**
   * The encoder.
   *
   * @param widths channels of its three convolutions
   */
  public static Encoder encoder(
      String name,
      long channels,
      long height,
      long width,
      List<Long> widths,
      long latent,
      Initialisation init) {
    requireCount("encoder-channels", widths, 3);
    List<Module> modules = new ArrayList<>(List.of(View.of(channels, height, width)));
    long in = channels;
    for (int i = 0; i < widths.size(); i++) {
      long out = widths.get(i);
      modules.add(Conv2d.of(name + "." + 3 * i, in, out, 3, i < 2 ? 2 : 1, 1, init));
      modules.add(BatchNorm.of(name + "." + (3 * i + 1), out));
      modules.add(Activation.LEAKY_RELU);
      in = out;
    }
    // A convolution of stride 2 and padding 1 halves, rounding up.
    long flat = in * ((height + 3) / 4) * ((width + 3) / 4);
    modules.add(View.of(flat));
    return new Encoder(
        new Sequential(modules),
        Linear.of(name + ".mean", flat, latent, init),
        Linear.of(name + ".log_scale", flat, latent, init));
  }

  /**
   * Codes with what they are told, [rows, inputs], to images before their sigmoid, [rows, channels
   * * height * width]: a linear layer, then two 4 x 4 transposed convolutions of stride 2, ReLU
   * between. Sizes that 4 does not divide get an output padding.
   *
   * @param widths channels of the linear layer's planes and of the first transposed convolution's
   */
  public static Sequential decoder(
      String name,
      long inputs,
      List<Long> widths,
      long channels,
      long height,
      long width,
      Initialisation init) {
    requireCount("decoder-channels", widths, 2);
    if (height < 4 || width < 4 || height % 2 != width % 2 || half(height) % 2 != half(width) % 2) {
      throw new IllegalArgumentException(
          "the decoder doubles its planes twice, in both directions with the same output padding;"
              + " images of "
              + height
              + " x "
              + width
              + " cannot be made so: choose square images of at least 4 x 4");
    }
    long a = widths.get(0);
    long b = widths.get(1);
    return Sequential.of(
        Linear.of(name + ".0", inputs, a * quarter(height) * quarter(width), init),
        View.of(a, quarter(height), quarter(width)),
        ConvTranspose2d.of(name + ".2", a, b, 4, 2, 1, half(height) % 2, init),
        Activation.RELU,
        ConvTranspose2d.of(name + ".4", b, channels, 4, 2, 1, height % 2, init),
        View.of(channels * height * width));
  }

  // What a transposed convolution doubles to an extent, up to its output padding of 0 or 1.
  private static long half(long extent) {
    return extent / 2;
  }

  private static long quarter(long extent) {
    return half(half(extent));
  }

  private static void requireCount(String setting, List<Long> widths, int count) {
    if (widths.size() != count) {
      throw new IllegalArgumentException(
          setting + " takes " + count + " channel counts, not " + widths);
    }
  }
}
