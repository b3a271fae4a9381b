package dev.kantor.bench.libtorch;

import static org.bytedeco.pytorch.global.torch.leaky_relu_;
import static org.bytedeco.pytorch.global.torch.linear;
import static org.bytedeco.pytorch.global.torch.relu_;
import static org.bytedeco.pytorch.global.torch.tanh_;

import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * A stack of Linear layers numbered as in {@code nn.Sequential} (0, 2, 4, ...), activations
 * between. The generator has ReLU and ends in tanh, the critic has LeakyReLU and ends in the last
 * layer's scores. Activations overwrite their input, which the autograd of all three allows.
 */
final class Mlp {
  private static final Scalar SLOPE = new Scalar(Settings.SLOPE);

  private final boolean generator;
  private final Tensor[] weights;
  private final Tensor[] biases;
  private final TensorOptional[] optionalBiases;
  private final Map<String, Tensor> parameters = new LinkedHashMap<>();

  private Mlp(boolean generator, Map<String, Tensor> named) {
    this.generator = generator;
    String prefix = generator ? "generator." : "critic.";
    int layers = 0;
    while (named.containsKey(prefix + 2 * layers + ".weight")) {
      layers++;
    }
    if (layers == 0) {
      throw new IllegalArgumentException(
          "no tensor named " + prefix + "0.weight among " + named.keySet());
    }
    weights = new Tensor[layers];
    biases = new Tensor[layers];
    optionalBiases = new TensorOptional[layers];
    for (int i = 0; i < layers; i++) {
      weights[i] = parameter(named, prefix + 2 * i + ".weight");
      biases[i] = parameter(named, prefix + 2 * i + ".bias");
      optionalBiases[i] = new TensorOptional(biases[i]);
    }
  }

  /**
   * The generator with parameters {@code generator.0.weight} [out, in], {@code generator.0.bias}
   * ... of the map.
   */
  static Mlp generator(Map<String, Tensor> named) {
    return new Mlp(true, named);
  }

  /**
   * The critic with parameters {@code critic.0.weight} [out, in], {@code critic.0.bias} ... of the
   * map.
   */
  static Mlp critic(Map<String, Tensor> named) {
    return new Mlp(false, named);
  }

  /**
   * Parameters drawn uniformly from +-1/sqrt(fan-in), the framework's default, for Linear layers of
   * these widths.
   */
  static Map<String, Tensor> initial(String prefix, ScalarType type, long... widths) {
    Map<String, Tensor> named = new LinkedHashMap<>();
    for (int i = 0; i + 1 < widths.length; i++) {
      double bound = 1 / Math.sqrt(widths[i]);
      named.put(prefix + 2 * i + ".weight", uniform(bound, type, widths[i + 1], widths[i]));
      named.put(prefix + 2 * i + ".bias", uniform(bound, type, widths[i + 1]));
    }
    return named;
  }

  /** x [B, in] to [B, out]; x is not overwritten. */
  Tensor forward(Tensor x) {
    Tensor h = x;
    for (int i = 0; i < weights.length; i++) {
      h = linear(h, weights[i], optionalBiases[i]);
      if (i + 1 < weights.length) {
        h = generator ? relu_(h) : leaky_relu_(h, SLOPE);
      }
    }
    return generator ? tanh_(h) : h;
  }

  /** Weight and bias of each layer by name, in the order of {@link #vector}. */
  Map<String, Tensor> parameters() {
    return parameters;
  }

  TensorVector vector() {
    return new TensorVector(parameters.values().toArray(Tensor[]::new));
  }

  Tensor[] weights() {
    return weights;
  }

  private Tensor parameter(Map<String, Tensor> named, String name) {
    Tensor value = named.get(name);
    if (value == null) {
      throw new IllegalArgumentException("no tensor named " + name + " among " + named.keySet());
    }
    Tensor leaf = value.detach().clone();
    leaf.set_requires_grad(true);
    parameters.put(name, leaf);
    return leaf;
  }

  private static Tensor uniform(double bound, ScalarType type, long... shape) {
    return torch
        .rand(shape, new TensorOptions(type))
        .mul_(new Scalar(2 * bound))
        .sub_(new Scalar(bound));
  }
}
