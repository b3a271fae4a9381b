package dev.kantor.bench.libtorch;

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
 * A sequence of layers, numbered as in {@code nn.Sequential}. Activations overwrite their input
 * where autograd allows it.
 */
final class Network {
  /** What a layer does to a batch; norms differ between training and evaluation. */
  private interface Layer {
    Tensor forward(Tensor x, boolean training);
  }

  private static final Scalar SLOPE = new Scalar(Settings.SLOPE);
  private static final double MOMENTUM = 0.1; // batch norm's, the framework's default
  private static final double EPSILON = 1e-5; // batch norm's, likewise

  private final List<Layer> layers;
  private final Map<String, Tensor> parameters;
  private final Map<String, Tensor> buffers;
  private final List<Tensor> weights;

  private Network(Builder builder) {
    layers = List.copyOf(builder.layers);
    parameters = builder.parameters;
    buffers = builder.buffers;
    weights = List.copyOf(builder.weights);
  }

  /**
   * x [B, ...] to what the last layer gives, norms in training mode: by the batch's statistics,
   * which the running ones follow. x is not overwritten.
   */
  Tensor forward(Tensor x) {
    return forward(x, true);
  }

  /** As {@link #forward(Tensor)}, norms by their running statistics. */
  Tensor evaluate(Tensor x) {
    return forward(x, false);
  }

  private Tensor forward(Tensor x, boolean training) {
    Tensor h = x;
    for (Layer layer : layers) {
      h = layer.forward(h, training);
    }
    return h;
  }

  /** What is trained, by name, in the order of {@link #vector}. */
  Map<String, Tensor> parameters() {
    return parameters;
  }

  /** Running statistics by name. */
  Map<String, Tensor> buffers() {
    return buffers;
  }

  TensorVector vector() {
    return new TensorVector(parameters.values().toArray(Tensor[]::new));
  }

  /** The weights of linear layers and convolutions, which a Wasserstein critic's clipping takes. */
  List<Tensor> weights() {
    return weights;
  }

  /**
   * The tensor of that name.
   *
   * @throws IllegalArgumentException if there is none
   */
  static Tensor get(Map<String, Tensor> named, String name) {
    Tensor value = named.get(name);
    if (value == null) {
      throw new IllegalArgumentException("no tensor named " + name + " among " + named.keySet());
    }
    return value;
  }

  /**
   * Appends layers whose parameters are copies of the tensors named {@code PREFIX.INDEX.weight} and
   * so on.
   *
   * @throws IllegalArgumentException from a layer's method, if its tensors are missing
   */
  static final class Builder {
    private final String prefix;
    private final Map<String, Tensor> named;
    private final List<Layer> layers = new ArrayList<>();
    private final Map<String, Tensor> parameters = new LinkedHashMap<>();
    private final Map<String, Tensor> buffers = new LinkedHashMap<>();
    private final List<Tensor> weights = new ArrayList<>();

    Builder(String prefix, Map<String, Tensor> named) {
      this.prefix = prefix;
      this.named = named;
    }

    Builder linear() {
      return linear(Integer.toString(layers.size()));
    }

    /** One whose tensors are named {@code PREFIX.NAME.weight} and so on. */
    Builder linear(String name) {
      Tensor weight = parameter(name + ".weight");
      weights.add(weight);
      TensorOptional bias = new TensorOptional(parameter(name + ".bias"));
      return add((x, _) -> torch.linear(x, weight, bias));
    }

    Builder convolution(long stride, long padding) {
      Tensor weight = weight();
      TensorOptional bias = new TensorOptional(parameter(layers.size() + ".bias"));
      long[] strides = {stride, stride};
      long[] paddings = {padding, padding};
      long[] dilations = {1, 1};
      return add((x, _) -> torch.conv2d(x, weight, bias, strides, paddings, dilations, 1));
    }

    Builder transposedConvolution(long stride, long padding) {
      Tensor weight = weight();
      TensorOptional bias = new TensorOptional(parameter(layers.size() + ".bias"));
      long[] strides = {stride, stride};
      long[] paddings = {padding, padding};
      long[] outputPaddings = {0, 0};
      long[] dilations = {1, 1};
      return add(
          (x, _) ->
              torch.conv_transpose2d(
                  x, weight, bias, strides, paddings, outputPaddings, 1, dilations));
    }

    Builder batchNorm() {
      TensorOptional weight = new TensorOptional(parameter(layers.size() + ".weight"));
      TensorOptional bias = new TensorOptional(parameter(layers.size() + ".bias"));
      TensorOptional mean = new TensorOptional(buffer("running_mean"));
      TensorOptional variance = new TensorOptional(buffer("running_var"));
      return add(
          (x, training) ->
              torch.batch_norm(
                  x, weight, bias, mean, variance, training, MOMENTUM, EPSILON, false));
    }

    Builder maxPool(long size) {
      long[] kernel = {size, size};
      long[] padding = {0, 0};
      long[] dilation = {1, 1};
      return add((x, _) -> torch.max_pool2d(x, kernel, kernel, padding, dilation, false));
    }

    Builder relu() {
      return add((x, _) -> torch.relu_(x));
    }

    Builder leakyRelu() {
      return add((x, _) -> torch.leaky_relu_(x, SLOPE));
    }

    Builder softplus() {
      return add((x, _) -> torch.softplus(x));
    }

    Builder tanh() {
      return add((x, _) -> torch.tanh_(x));
    }

    Builder sigmoid() {
      return add((x, _) -> torch.sigmoid_(x));
    }

    /** Each sample in another shape. */
    Builder view(long... sample) {
      long[] shape = new long[sample.length + 1];
      shape[0] = -1;
      System.arraycopy(sample, 0, shape, 1, sample.length);
      return add((x, _) -> x.view(shape));
    }

    Network build() {
      return new Network(this);
    }

    private Builder add(Layer layer) {
      layers.add(layer);
      return this;
    }

    private Tensor weight() {
      Tensor weight = parameter(layers.size() + ".weight");
      weights.add(weight);
      return weight;
    }

    private Tensor parameter(String end) {
      String name = prefix + "." + end;
      Tensor leaf = get(named, name).detach().clone();
      leaf.set_requires_grad(true);
      parameters.put(name, leaf);
      return leaf;
    }

    private Tensor buffer(String end) {
      String name = prefix + "." + layers.size() + "." + end;
      Tensor value = get(named, name).detach().clone();
      buffers.put(name, value);
      return value;
    }
  }
}
